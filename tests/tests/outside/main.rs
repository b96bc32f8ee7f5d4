//! Plugins that look outside, through the real binary, at servers of the test's own: a name server, a web server with a
//! private CA, the Machines of a kube-apiserver.

mod endpoints_dns;
mod endpoints_https;
mod requests;
mod serving_dns;
mod serving_inventory;
mod serving_machines;
mod site;

/// A PluginConfiguration.
fn configuration(plugins: &str) -> String {
    format!("apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\n{plugins}")
}

/// One whose nodes are let in, and whose serving certificates are approved with this source and these grants.
fn serving(settings: &str, grants: &str) -> String {
    configuration(&format!(
        "csrApprovers:
- name: approve-renewal
- name: approve-node-client
- name: approve-node-serving
  settings: {settings}
  grants: {grants}
"
    ))
}
