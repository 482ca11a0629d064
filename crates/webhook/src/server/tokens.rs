//! Tokens that API servers show, where they are told to.

use arc_swap::ArcSwap;
use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use subtle::{Choice, ConstantTimeEq};
use tokio::time::sleep;
use tracing::{info, warn};

/// A shorter one could be guessed.
const SHORTEST: usize = 16;
/// How often the file is read again: a kubelet takes a minute to change it.
const INTERVAL: Duration = Duration::from_secs(10);

/// The tokens that API servers may show: one in each line of a file, which is read again when it changes.
pub struct Tokens {
    file: PathBuf,
    // What is compared takes as long whichever token is shown.
    digests: ArcSwap<Vec<[u8; 32]>>,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum ReadTokensError {
    /// The file cannot be read.
    #[error("failed to read the tokens of API servers in {}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is none in it.
    #[error("there is no token of an API server in {}", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// One of them could be guessed.
    #[error("a token of an API server in {} has less than {SHORTEST} characters", file.display())]
    TooShort {
        /// The file.
        file: PathBuf,
    },
}

impl Tokens {
    /// Reads the tokens of a file.
    ///
    /// # Errors
    /// It cannot be read, or has no token, or one that could be guessed.
    pub fn read(file: impl Into<PathBuf>) -> Result<Self, ReadTokensError> {
        let file = file.into();
        let digests = ArcSwap::from_pointee(digests(&file)?);
        Ok(Self { file, digests })
    }

    /// Takes over what changes in the file, for ever.
    pub(crate) async fn watch(&self) {
        loop {
            sleep(INTERVAL).await;
            self.read_again();
        }
    }

    fn read_again(&self) {
        match digests(&self.file) {
            Ok(digests) if digests == **self.digests.load() => {}
            Ok(digests) => {
                info!(tokens = digests.len(), "took over the tokens of API servers");
                self.digests.store(digests.into());
            }
            Err(error) => warn!(error = &error as &dyn StdError, "kept the tokens of API servers that there were"),
        }
    }

    /// Says whether a request shows one of them.
    pub(super) fn are_shown_by(&self, headers: &HeaderMap) -> bool {
        let Some(token) = headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.as_bytes())) else {
            return false;
        };
        let shown = Sha256::digest(token);
        let known = self.digests.load();
        let found = known.iter().map(|known| known[..].ct_eq(&shown[..]));
        found.fold(Choice::from(0), |found, is_one| found | is_one).into()
    }
}

impl Debug for Tokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tokens").field("file", &self.file).finish_non_exhaustive()
    }
}

fn digests(file: &PathBuf) -> Result<Vec<[u8; 32]>, ReadTokensError> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|source| ReadTokensError::File { file: file.clone(), source })?;
    let tokens: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if tokens.is_empty() {
        return Err(ReadTokensError::Empty { file: file.clone() });
    }
    if tokens.iter().any(|token| token.len() < SHORTEST) {
        return Err(ReadTokensError::TooShort { file: file.clone() });
    }
    Ok(tokens.into_iter().map(|token| Sha256::digest(token).into()).collect())
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const TOKEN: &str = "0123456789abcdef";

    /// A file of its own for each test.
    fn file(name: &str, text: &str) -> PathBuf {
        let file = std::env::temp_dir().join(format!("sidecarset-tokens-{}-{name}", std::process::id()));
        fs::write(&file, text).unwrap();
        file
    }

    fn shows(tokens: &Tokens, authorization: &str) -> bool {
        tokens.are_shown_by(&[(header::AUTHORIZATION, authorization.parse().unwrap())].into_iter().collect())
    }

    #[test]
    fn each_line_is_a_token() {
        let tokens = Tokens::read(file("lines", &format!("\n{TOKEN}\n another-of-16-letters \n"))).unwrap();

        assert!(shows(&tokens, &format!("Bearer {TOKEN}")) && shows(&tokens, "bearer another-of-16-letters"));
        for wrong in ["Bearer ", "Bearer 0123456789abcdeF", TOKEN, &format!("Basic {TOKEN}"), ""] {
            assert!(!shows(&tokens, wrong), "{wrong}");
        }
        assert!(!tokens.are_shown_by(&HeaderMap::new()));
    }

    #[test]
    fn a_file_without_a_good_token_is_refused() {
        assert!(matches!(Tokens::read(file("empty", " \n")), Err(ReadTokensError::Empty { .. })));
        assert!(matches!(Tokens::read(file("short", "secret")), Err(ReadTokensError::TooShort { .. })));
        assert!(matches!(Tokens::read("/nowhere/token"), Err(ReadTokensError::File { .. })));
    }

    #[test]
    fn what_changes_in_the_file_counts_and_what_cannot_be_read_changes_nothing() {
        let file = file("changes", TOKEN);
        let tokens = Tokens::read(&file).unwrap();

        fs::write(&file, "").unwrap();
        tokens.read_again();
        assert!(shows(&tokens, &format!("Bearer {TOKEN}")));
        fs::write(&file, "fedcba9876543210").unwrap();
        tokens.read_again();

        assert!(!shows(&tokens, &format!("Bearer {TOKEN}")) && shows(&tokens, "Bearer fedcba9876543210"));
    }
}
