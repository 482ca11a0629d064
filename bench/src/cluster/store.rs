//! Pods straight in etcd: to create fifty thousand through the API server would take longer than everything that is
//! measured with them.

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::{StreamExt, TryStreamExt, stream};
use kube::{Client, Config};
use serde_json::{Value, json};

/// How many objects are written at once.
const AT_ONCE: usize = 32;

/// etcd, through its HTTP gateway.
#[derive(Clone)]
pub(crate) struct Store(Client);

/// A text of an object, and the one in its place in a copy. Both have the same length, for what is stored is binary,
/// with the length in front of each text.
#[derive(Debug, Clone)]
pub(crate) struct Swap {
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Store {
    /// Returns the store at this address.
    pub(crate) fn new(address: &str) -> anyhow::Result<Self> {
        Ok(Self(Client::try_from(Config::new(address.parse()?))?))
    }

    /// Returns what is stored under a key.
    pub(crate) async fn read(&self, key: &str) -> anyhow::Result<Vec<u8>> {
        let found = self.ask("range", &json!({"key": BASE64.encode(key)})).await?;
        let value = found["kvs"][0]["value"].as_str().with_context(|| format!("nothing is stored under {key}"))?;
        Ok(BASE64.decode(value)?)
    }

    /// Stores copies, each by itself: Kubernetes never writes two objects in one revision, and a watch that is begun
    /// again between two of these would miss the rest.
    pub(crate) async fn write(&self, copies: &[(String, Vec<u8>)]) -> anyhow::Result<()> {
        let puts = stream::iter(copies).map(|(key, value)| async move {
            self.ask("put", &json!({"key": BASE64.encode(key), "value": BASE64.encode(value)})).await.map(drop)
        });
        puts.buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Removes everything whose key begins like this, while nobody watches who is measured: it is one revision.
    pub(crate) async fn remove(&self, prefix: &str) -> anyhow::Result<()> {
        let end = format!("{prefix}\u{7f}");
        self.ask("deleterange", &json!({"key": BASE64.encode(prefix), "range_end": BASE64.encode(end)})).await.map(drop)
    }

    async fn ask(&self, what: &str, body: &Value) -> anyhow::Result<Value> {
        let request = http::Request::post(format!("/v3/kv/{what}")).body(body.to_string().into_bytes())?;
        self.0.request(request).await.with_context(|| format!("etcd refused a {what}"))
    }
}

/// Returns the object with other texts in it.
pub(crate) fn copy(object: &[u8], swaps: &[Swap]) -> anyhow::Result<Vec<u8>> {
    let mut copy = object.to_vec();
    for Swap { from, to } in swaps {
        if from.len() != to.len() {
            bail!("{from:?} and {to:?} differ in length");
        }
        let mut at = 0;
        while let Some(found) = find(&copy[at..], from.as_bytes()) {
            copy[at + found..at + found + to.len()].copy_from_slice(to.as_bytes());
            at += found + to.len();
        }
    }
    Ok(copy)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swap(from: &str, to: &str) -> Swap {
        Swap { from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn a_copy_has_other_texts_wherever_they_stand() {
        let copy = copy(b"\x05web-0 on node-1, web-0", &[swap("web-0", "web-7"), swap("node-1", "node-2")]).unwrap();

        assert_eq!(copy, b"\x05web-7 on node-2, web-7");
    }

    #[test]
    fn a_text_of_another_length_is_refused() {
        let refused = copy(b"web-0", &[swap("web-0", "web-10")]).unwrap_err();

        assert_eq!(refused.to_string(), "\"web-0\" and \"web-10\" differ in length");
    }
}
