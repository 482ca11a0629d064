//! How long authorities and certificates last.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long authorities and certificates last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    authority: Duration,
    certificate: Duration,
}

/// Why nothing can last for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LifetimesError {
    /// It would end before everybody has seen it: certificates know whole seconds.
    #[error("a certificate lasts 6 seconds at least")]
    TooShort,
    /// It would be renewed with each certificate, or its end cannot be written down.
    #[error("an authority lasts at least twice as long as a certificate, and at most 100 years")]
    Authority,
}

impl Lifetimes {
    /// A year for a certificate, and ten for its authority.
    pub const A_YEAR: Self = Self { authority: DAY.saturating_mul(3650), certificate: DAY.saturating_mul(365) };

    const SHORTEST: Duration = Duration::from_secs(6);
    const LONGEST: Duration = DAY.saturating_mul(36_500);

    /// Returns lifetimes of a certificate and of its authority.
    ///
    /// # Errors
    /// They are too short, or do not go together.
    pub fn new(certificate: Duration, authority: Duration) -> Result<Self, LifetimesError> {
        if certificate < Self::SHORTEST {
            return Err(LifetimesError::TooShort);
        }
        if authority < certificate.saturating_mul(2) || authority > Self::LONGEST {
            return Err(LifetimesError::Authority);
        }
        Ok(Self { authority, certificate })
    }

    /// Returns how long an authority lasts.
    #[must_use]
    pub fn authority(self) -> Duration {
        self.authority
    }

    /// Returns how long a certificate lasts.
    #[must_use]
    pub fn certificate(self) -> Duration {
        self.certificate
    }

    /// Returns how much of its life a certificate has left when it is renewed.
    #[must_use]
    pub fn renewal(self) -> Duration {
        self.certificate / 3
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self::A_YEAR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_outlives_two_certificates() {
        let new =
            |certificate, authority| Lifetimes::new(Duration::from_secs(certificate), Duration::from_secs(authority));

        assert_eq!(new(5, 100), Err(LifetimesError::TooShort));
        assert_eq!(new(6, 11), Err(LifetimesError::Authority));
        assert_eq!(new(6, u64::MAX), Err(LifetimesError::Authority));
        assert!(new(6, 12).is_ok());
    }
}
