//! Plugins built from source, as their authors would.

use slipway_guest_build::{GuestBuild, Toolchain};

use crate::sandbox::Sandbox;

/// A component and what `slipway plugin inspect` says of it.
#[derive(Debug)]
pub struct Plugin {
    /// Where it lies.
    pub path: String,
    /// Its digest.
    pub digest: String,
}

impl Plugin {
    /// Builds `package` of the workspace at `root`, which is a path from the root of the project. The component has to be
    /// an approver.
    ///
    /// # Panics
    /// It does not build, or is something else.
    #[must_use]
    pub fn build(root: &str, package: &str) -> Self {
        Self::build_kind("csr-approver", root, package)
    }

    /// The same where it has to be a trust source.
    ///
    /// # Panics
    /// As for [`build`](Self::build).
    #[must_use]
    pub fn build_trust_source(root: &str, package: &str) -> Self {
        Self::build_kind("trust-source", root, package)
    }

    fn build_kind(kind: &str, root: &str, package: &str) -> Self {
        let manifest = format!("{}/../{root}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
        let target = std::env::current_exe().expect("a test knows its own path");
        let target = target
            .ancestors()
            .nth(3)
            .expect("tests are in target/PROFILE/deps")
            .join("guests");
        let built = GuestBuild::new(manifest, target)
            .package(package)
            .run(&Toolchain::locate().expect("cargo xtask setup"))
            .expect("the plugin builds");
        let path = built[0].path.to_str().expect("a path in UTF-8").to_owned();
        let inspected = Sandbox::new()
            .slipway(&["plugin", "inspect", &path, "--output=json"])
            .json();
        assert_eq!(inspected["kinds"][0], kind, "{inspected}");
        let digest = inspected["digest"].as_str().expect("a digest").to_owned();
        Self { path, digest }
    }
}
