//! The key file: the sealing key of a team that runs one machine, readable by its owner alone.

use crate::secret_box::SealingKey;
use handoff_domain::port::Entropy;
use std::fs::{File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Bytes of the file: the key's id and the key.
const LENGTH: usize = 4 + 32;
/// Who may read it: its owner.
const MODE: u32 = 0o600;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is missing, and must not be made: secrets are sealed with the one that was lost.
    #[error("the key file {0} is missing, but stored secrets were sealed with it; restore it from a backup")]
    Lost(String),
    /// It is not a key file.
    #[error("{0} is not a key file")]
    Malformed(String),
    /// Others could read it.
    #[error("the key file {0} can be read by others; run: chmod 600 {0}")]
    TooOpen(String),
    /// The file system said no.
    #[error("the key file {path}: {source}")]
    Io {
        /// Which.
        path: String,
        /// What it said.
        source: std::io::Error,
    },
}

/// Reads the key; makes one where there is none, unless `sealed_rows_exist`.
///
/// # Errors
/// [`KeyFileError`].
pub fn read_or_make(path: &Path, sealed_rows_exist: bool, entropy: &dyn Entropy) -> Result<SealingKey, KeyFileError> {
    let shown = || path.display().to_string();
    let io = |source| KeyFileError::Io { path: shown(), source };
    match std::fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => return Err(KeyFileError::TooOpen(shown())),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound && sealed_rows_exist => {
            return Err(KeyFileError::Lost(shown()));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => make(path, entropy).map_err(io)?,
        Err(error) => return Err(io(error)),
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let (id, key) = bytes.split_at_checked(4).ok_or_else(|| KeyFileError::Malformed(shown()))?;
    match (id.try_into(), key.try_into()) {
        (Ok(id), Ok(key)) => Ok(SealingKey { id, key }),
        _ => Err(KeyFileError::Malformed(shown())),
    }
}

/// Two processes that start at once make one file: the second finds it. It is written under a random name,
/// so that what a killed process left there is in nobody's way, and is whole when it gets its own.
fn make(path: &Path, entropy: &dyn Entropy) -> std::io::Result<()> {
    let mut bytes = [0_u8; LENGTH];
    entropy.fill(&mut bytes);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".handoff-key-")
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(folder)?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(failed) if failed.error.kind() != ErrorKind::AlreadyExists => Err(failed.error),
        _ => File::open(folder)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemEntropy;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handoff.key");
        let made = read_or_make(&path, false, &SystemEntropy).unwrap();
        let read = read_or_make(&path, true, &SystemEntropy).unwrap();
        assert_eq!((made.id, made.key), (read.id, read.key));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_process_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handoff.key");
        std::fs::write(path.with_extension(format!("new-{}", std::process::id())), "half").unwrap();
        read_or_make(&path, false, &SystemEntropy).unwrap();
        assert!(path.exists());
    }

    #[test]
    fn a_lost_key_is_never_replaced_while_secrets_are_sealed_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handoff.key");
        assert!(matches!(read_or_make(&path, true, &SystemEntropy), Err(KeyFileError::Lost(_))));
        assert!(!path.exists());
    }

    #[test]
    fn a_key_that_others_can_read_and_a_file_that_is_no_key_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handoff.key");
        std::fs::write(&path, [0; 12]).unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        assert!(matches!(read_or_make(&path, false, &SystemEntropy), Err(KeyFileError::TooOpen(_))));
        mode(0o600);
        assert!(matches!(read_or_make(&path, false, &SystemEntropy), Err(KeyFileError::Malformed(_))));
    }
}
