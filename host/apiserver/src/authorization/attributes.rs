//! What a request wants to do, as authorizers see it.

use std::fmt;

use super::resources;

/// A verb on a target. All text is as the request spelled it; nothing is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Kubernetes' verb: `get`, `list`, `create`, `approve`, … or the lower-case HTTP method for a path.
    pub verb: String,
    /// What the verb is about.
    pub target: Target,
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An API resource.
    Resource(ResourceTarget),
    /// Any other path, such as `/healthz`.
    Path(String),
}

/// An API resource, or one object of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceTarget {
    /// The API group; empty for the core group.
    pub group: String,
    /// The plural resource name.
    pub resource: String,
    /// The subresource; empty for the object itself.
    pub subresource: String,
    /// The namespace; empty for cluster-wide resources and for requests across namespaces.
    pub namespace: String,
    /// The object's name; empty on create, and on lists without a field selector on `metadata.name`.
    pub name: String,
}

impl Attributes {
    /// A verb on a resource.
    pub fn resource(verb: &str, target: ResourceTarget) -> Self {
        Self {
            verb: verb.to_owned(),
            target: Target::Resource(target),
        }
    }

    /// What an API server refused, from the message in which it says so: this one's, or that of a kube-apiserver
    /// (k8s.io/apiserver, `pkg/endpoints/handlers/responsewriters`; plugin/pkg/admission/certificates). None where it is
    /// about no resource, or says something else.
    pub fn refused_in(message: &str) -> Option<Self> {
        let (object, said) = message.split_once(" is forbidden: ")?;
        let Some((_, said)) = said.split_once("\" cannot ") else {
            return refused_signer(said);
        };
        let (verb, said) = said.split_once(" resource \"")?;
        let (resource, said) = said.split_once("\" in API group \"")?;
        let (group, place) = said.split_once('"')?;
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let namespace = place
            .strip_prefix(" in the namespace \"")
            .and_then(|place| Some(place.split_once('"')?.0));
        let target = ResourceTarget::new(group, resource)
            .subresource(subresource)
            .within(namespace.unwrap_or_default())
            .named(quoted(object).unwrap_or_default());
        Some(Self::resource(verb, target))
    }

    /// A verb on a path that is no API resource.
    pub fn path(verb: &str, path: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            target: Target::Path(path.to_owned()),
        }
    }
}

impl ResourceTarget {
    /// A cluster-wide resource in a group.
    pub fn new(group: &str, resource: &str) -> Self {
        Self {
            group: group.to_owned(),
            resource: resource.to_owned(),
            ..Self::default()
        }
    }

    /// The same, for one object.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The same, in a namespace.
    #[must_use]
    pub fn within(mut self, namespace: &str) -> Self {
        self.namespace = namespace.to_owned();
        self
    }

    /// The same, for a subresource.
    #[must_use]
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = subresource.to_owned();
        self
    }

    /// `resource` or `resource/subresource`, as a rule spells it.
    pub fn combined(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// Whether this is the resource (and subresource) in the group.
    pub fn is(&self, group: &str, resource: &str, subresource: &str) -> bool {
        self.group == group && self.resource == resource && self.subresource == subresource
    }
}

/// The right on a signer that whoever decides about its requests has to have.
fn refused_signer(said: &str) -> Option<Attributes> {
    let (_, said) = said.split_once("not permitted to ")?;
    let (verb, signer) = said.split_once(" requests with signerName ")?;
    let target =
        ResourceTarget::new(resources::CERTIFICATES, resources::SIGNERS).named(quoted(signer)?);
    Some(Attributes::resource(verb, target))
}

/// The last thing in quotation marks.
fn quoted(text: &str) -> Option<&str> {
    let (before, _) = text.rsplit_once('"')?;
    Some(before.rsplit_once('"')?.1)
}

impl fmt::Display for Attributes {
    /// The words of a "forbidden" message: `cannot list resource "secrets" in API group "" …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = &self.verb;
        match &self.target {
            Target::Path(path) => write!(f, "cannot {verb} path {path:?}"),
            Target::Resource(target) => {
                write!(
                    f,
                    "cannot {verb} resource {:?} in API group {:?}",
                    target.combined(),
                    target.group
                )?;
                if target.namespace.is_empty() {
                    write!(f, " at the cluster scope")
                } else {
                    write!(f, " in the namespace {:?}", target.namespace)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authentication::UserInfo;
    use crate::status::Status;

    #[test]
    fn what_was_refused_can_be_read_from_the_refusal() {
        let request = ResourceTarget::new(resources::CERTIFICATES, resources::REQUESTS);
        for attributes in [
            Attributes::resource(
                "list",
                ResourceTarget::new("", "secrets").within("kube-system"),
            ),
            Attributes::resource(
                "get",
                ResourceTarget::new("", "secrets").within("a").named("b"),
            ),
            Attributes::resource("create", request.clone()),
            Attributes::resource(
                "update",
                request.subresource("approval").named("node-csr-1"),
            ),
        ] {
            let user = UserInfo::authenticated("a \"user\"", ["ops"]);
            for reason in [
                "",
                "no relationship found between node \"n\" and this object",
            ] {
                let status = Status::access_denied(&user, &attributes, reason);
                let read = Attributes::refused_in(status.message());
                assert_eq!(read.as_ref(), Some(&attributes), "{}", status.message());
            }
        }
    }

    #[test]
    fn a_right_on_a_signer_is_one_on_a_resource() {
        let message = "certificatesigningrequests.certificates.k8s.io \"node-csr-1\" is forbidden: user not permitted to \
                       approve requests with signerName \"kubernetes.io/kubelet-serving\"";
        let signer = ResourceTarget::new(resources::CERTIFICATES, resources::SIGNERS);
        assert_eq!(
            Attributes::refused_in(message),
            Some(Attributes::resource(
                "approve",
                signer.named("kubernetes.io/kubelet-serving")
            ))
        );
    }

    #[test]
    fn other_messages_name_no_right() {
        for message in [
            "",
            "forbidden: User \"nobody\" cannot get path \"/metrics\"",
            "pods \"a\" is forbidden: exceeded quota",
            "secrets is forbidden: User \"a\" cannot list resource \"secrets",
        ] {
            assert_eq!(Attributes::refused_in(message), None, "{message}");
        }
    }
}
