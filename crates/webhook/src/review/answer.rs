//! Writes an answer, into the one text that is sent.

use super::{API_VERSION, KIND, Verdict, verdict};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use sidecarset_core::injection::Patch;
use sidecarset_core::json::write_text;

/// How long an answer is beside its patch, warnings and status.
const FRAME: usize = 256;

/// Writes the answer to the request of this uid.
#[must_use]
pub fn answer(uid: &str, verdict: Verdict) -> String {
    let patch = if let Verdict::Allowed { patch, .. } = &verdict { patch.as_str().len() } else { 0 };
    let mut out = String::with_capacity(FRAME + uid.len() + patch.div_ceil(3) * 4);
    for part in [r#"{"apiVersion":""#, API_VERSION, r#"","kind":""#, KIND, r#"","response":{"uid":"#] {
        out.push_str(part);
    }
    write_text(&mut out, uid);
    match verdict {
        Verdict::Allowed { patch, warnings } => {
            out.push_str(r#","allowed":true"#);
            write_patch(&mut out, &patch);
            write_warnings(&mut out, warnings);
        }
        Verdict::Denied(denial) => write_status(&mut out, &denial.into_status()),
    }
    out.push_str("}}");
    out
}

fn write_patch(out: &mut String, patch: &Patch) {
    if patch.is_empty() {
        return;
    }
    out.push_str(r#","patchType":"JSONPatch","patch":""#);
    // Of what is done with a patch this is the most, so it is done many bytes at a time.
    base64_simd::STANDARD.encode_append(patch.as_str(), out);
    out.push('"');
}

fn write_warnings(out: &mut String, warnings: Vec<String>) {
    if warnings.is_empty() {
        return;
    }
    out.push_str(r#","warnings":"#);
    for (at, warning) in warnings.into_iter().enumerate() {
        out.push(if at == 0 { '[' } else { ',' });
        write_text(out, &verdict::shortened(warning));
    }
    out.push(']');
}

fn write_status(out: &mut String, status: &Status) {
    let status = serde_json::to_string(status).expect("a status is made of texts and numbers");
    // Whatever else is there, it would take twice as much to have room for more.
    out.reserve_exact(FRAME + status.len());
    out.push_str(r#","allowed":false,"status":"#);
    out.push_str(&status);
}
