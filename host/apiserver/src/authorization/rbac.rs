//! Role-based access control over the served Role, ClusterRole, RoleBinding and ClusterRoleBinding
//! objects. Semantics: k8s.io/component-helpers/auth/rbac and plugin/pkg/auth/authorizer/rbac.

mod escalation;
mod policy;
mod rule;
pub(crate) mod rules;

pub(crate) use escalation::grants_more;
pub(crate) use policy::Policy;
pub use rule::allows;
