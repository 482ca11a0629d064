//! Lists that are streamed are as new as lists that are not.

use http::Uri;
use kube::Client;
use tower::service_fn;

/// Returns a client that asks for the newest state where a watch begins with all objects. A watcher of kube asks for any
/// state there, and one API server of several may be behind: what it shows can be older than what this operator has seen,
/// or written, before.
pub(super) fn newest(client: &Client) -> Client {
    let through = client.clone();
    let service = service_fn(move |mut request: http::Request<kube::client::Body>| {
        let client = through.clone();
        if let Some(uri) = of_newest(request.uri()) {
            *request.uri_mut() = uri;
        }
        async move { client.send(request).await }
    });
    Client::new(service, client.default_namespace())
}

/// Returns the address of the newest state; nothing where that is no matter.
fn of_newest(uri: &Uri) -> Option<Uri> {
    let query = uri.query().filter(|query| query.split('&').any(|pair| pair == "sendInitialEvents=true"))?;
    let of_newest = |pair| if pair == "resourceVersion=0" { "resourceVersion=" } else { pair };
    let pairs: Vec<&str> = query.split('&').map(of_newest).collect();
    format!("{}?{}", uri.path(), pairs.join("&")).parse().ok()
}

#[cfg(test)]
mod tests {
    fn of_newest(uri: &str) -> Option<String> {
        super::of_newest(&uri.parse().unwrap()).map(|uri| uri.to_string())
    }

    #[test]
    fn a_watch_that_begins_with_all_objects_begins_with_the_newest() {
        let asked =
            "/api/v1/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0";

        let expected =
            "/api/v1/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=";
        assert_eq!(of_newest(asked).as_deref(), Some(expected));
    }

    #[test]
    fn every_other_request_stays_as_it_is() {
        assert_eq!(of_newest("/api/v1/pods?watch=true&resourceVersion=0"), None);
        assert_eq!(of_newest("/api/v1/pods"), None);
    }
}
