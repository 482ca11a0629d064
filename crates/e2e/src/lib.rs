//! What the tests on a real cluster are written with: a scene of its own for each test, the objects it
//! creates, Pods as they are observed, and waiting that says what it last saw.

mod away;
mod balancer;
mod beside;
pub mod document;
mod draft;
mod freezer;
mod kubectl;
mod neighbour;
mod observed;
mod operators;
mod person;
mod pod_watch;
mod proxy;
mod scene;
mod stage;
mod wait;

pub use away::{away, crash, load_image, pause, restart};
pub use balancer::balance;
pub use beside::{Beside, Place};
pub use draft::{AGENT_CRASHING, AGENT_MISSING, AGENT_V1, AGENT_V2, AGENT_V3, SetDraft, sidecar};
pub use freezer::freezer;
pub use kubectl::{example, has_real_nodes, kubectl, kubectl_edit, kubectl_program, sidecarset_program};
pub use neighbour::{Neighbour, Reinvocation};
pub use observed::{ContainerView, PodView, find, running};
pub use operators::Operators;
pub use person::Person;
pub use pod_watch::PodWatch;
pub use proxy::{Asked, Fate, Moment, proxy};
pub use scene::{SCENE, Scene, refusal};
pub use stage::Stage;
pub use wait::{Look, QUIET, eventually, stays};
