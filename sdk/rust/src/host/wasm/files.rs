//! Folders through `wasi:filesystem`.

use crate::bindings::imports::wasi::filesystem::preopens;
use crate::bindings::imports::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags,
};
use crate::files::Reason;

/// How much one host call reads.
const CHUNK: u64 = 64 * 1024;

/// A granted folder.
#[derive(Debug)]
pub(crate) struct Directory(Descriptor);

impl Directory {
    pub(crate) fn open(name: &str) -> Option<Self> {
        preopens::get_directories()
            .into_iter()
            .find(|(_, granted)| granted.trim_start_matches('/') == name)
            .map(|(descriptor, _)| Self(descriptor))
    }

    pub(crate) fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, Reason> {
        let file = self.0.open_at(
            PathFlags::SYMLINK_FOLLOW,
            path,
            OpenFlags::empty(),
            DescriptorFlags::READ,
        )?;
        let mut content = Vec::new();
        loop {
            let (chunk, at_end) = file.read(CHUNK, content.len() as u64)?;
            content.extend_from_slice(&chunk);
            if content.len() > limit {
                return Err(Reason::TooLarge { limit });
            }
            if at_end || chunk.is_empty() {
                return Ok(content);
            }
        }
    }

    pub(crate) fn names(&self) -> Result<Vec<String>, Reason> {
        let entries = self.0.read_directory()?;
        let mut names = Vec::new();
        loop {
            match entries.read_directory_entry() {
                Ok(Some(entry)) => names.push(entry.name),
                Ok(None) => return Ok(names),
                // It was removed since the folder was opened.
                Err(ErrorCode::NoEntry) => {}
                Err(code) => return Err(code.into()),
            }
        }
    }

    pub(crate) fn create(&self, path: &str, content: &[u8]) -> Result<(), Reason> {
        let file = self.0.open_at(
            PathFlags::empty(),
            path,
            OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
            DescriptorFlags::WRITE,
        )?;
        let mut written = 0;
        while let Some(rest) = content.get(written..).filter(|rest| !rest.is_empty()) {
            match file.write(rest, written as u64)? {
                0 => return Err(Reason::Other("nothing more can be written".to_owned())),
                more => written = written.saturating_add(more as usize),
            }
        }
        Ok(file.sync()?)
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), Reason> {
        Ok(self.0.rename_at(from, &self.0, to)?)
    }

    pub(crate) fn link(&self, from: &str, to: &str) -> Result<(), Reason> {
        Ok(self.0.link_at(PathFlags::empty(), from, &self.0, to)?)
    }

    pub(crate) fn remove(&self, path: &str) -> Result<(), Reason> {
        Ok(self.0.unlink_file_at(path)?)
    }

    pub(crate) fn sync(&self) -> Result<(), Reason> {
        Ok(self.0.sync()?)
    }
}

impl From<ErrorCode> for Reason {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::NoEntry => Self::NotFound,
            ErrorCode::Exist => Self::Exists,
            ErrorCode::Access | ErrorCode::NotPermitted | ErrorCode::ReadOnly => Self::NotPermitted,
            ErrorCode::IsDirectory | ErrorCode::NotDirectory => Self::NotAFile,
            ErrorCode::InsufficientSpace | ErrorCode::Quota => Self::NoSpace,
            code => Self::Other(code.message().to_owned()),
        }
    }
}
