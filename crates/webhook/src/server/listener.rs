//! Where the operator listens: on IPv6 and IPv4 alike, unless an address says otherwise.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// How many connections wait to be accepted, at most.
const BACKLOG: i32 = 1024;

/// Why nobody can connect.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {address}")]
pub struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

/// Reads `ADDRESS:PORT`, `[ADDRESS]:PORT`, or `:PORT` for every address of the machine.
///
/// # Errors
/// It is none of these.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let every_address = text.strip_prefix(':').and_then(|port| port.parse().ok());
    match every_address {
        Some(port) => Ok(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)),
        None => text.parse().map_err(|_| "expected ADDRESS:PORT, [ADDRESS]:PORT or :PORT".to_owned()),
    }
}

/// Listens; connections wait until they are accepted. `[::]` is every address of the machine, those of IPv4 included, and only
/// those of IPv4 where the machine has no IPv6.
///
/// # Errors
/// The address is taken, or not ours.
pub fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    with_fallback(address, bind).map_err(|source| ListenError { address, source })
}

/// Tries an address, and in place of all addresses those of IPv4: a kernel without IPv6 has no sockets of its family. A port that
/// somebody else has is not a matter of families: half of its clients would reach the other one.
fn with_fallback<T>(address: SocketAddr, bind: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let of_ipv4 = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
    match bind(address) {
        Err(error) if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && error.kind() != io::ErrorKind::AddrInUse => {
            bind(of_ipv4).map_err(|_| error)
        }
        bound => bound,
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // On other systems this would share the port with whoever has it already.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // A setting of the kernel decides otherwise, `net.ipv6.bindv6only`.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::net::TcpStream;

    /// Returns the address that is bound where binding one of IPv6 fails like this.
    fn bound(address: &str, failure: ErrorKind) -> Result<String, ErrorKind> {
        let bind = |address: SocketAddr| match address {
            SocketAddr::V4(_) => Ok(address.to_string()),
            SocketAddr::V6(_) => Err(failure.into()),
        };
        with_fallback(address.parse().unwrap(), bind).map_err(|error| error.kind())
    }

    /// Says whether this machine has IPv6, without which some of this cannot be seen.
    fn has_ipv6() -> bool {
        bind(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 0)).is_ok()
    }

    fn reaches(host: impl Into<IpAddr>, listener: &TcpListener) -> bool {
        TcpStream::connect((host.into(), listener.local_addr().unwrap().port())).is_ok()
    }

    #[test]
    fn every_address_means_those_of_both_families() {
        let listener = listen(listen_address(":0").unwrap()).unwrap();

        assert!(reaches(Ipv4Addr::LOCALHOST, &listener));
        assert_eq!(reaches(Ipv6Addr::LOCALHOST, &listener), has_ipv6());
    }

    #[test]
    fn one_address_is_listened_on_alone() {
        let of_ipv4 = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        assert!(reaches(Ipv4Addr::LOCALHOST, &of_ipv4) && !reaches(Ipv6Addr::LOCALHOST, &of_ipv4));
        if has_ipv6() {
            let of_ipv6 = listen("[::1]:0".parse().unwrap()).unwrap();
            assert!(reaches(Ipv6Addr::LOCALHOST, &of_ipv6) && !reaches(Ipv4Addr::LOCALHOST, &of_ipv6));
        }
    }

    #[test]
    fn without_ipv6_every_address_means_those_of_ipv4() {
        // What a kernel says that lacks the family, or on which it is switched off.
        for failure in [ErrorKind::Unsupported, ErrorKind::Other, ErrorKind::AddrNotAvailable] {
            assert_eq!(bound("[::]:9443", failure), Ok("0.0.0.0:9443".to_owned()));
            assert_eq!(bound("[fd00::1]:9443", failure), Err(failure));
        }
    }

    #[test]
    fn a_port_that_is_taken_is_not_shared_between_the_families() {
        assert_eq!(bound("[::]:9443", ErrorKind::AddrInUse), Err(ErrorKind::AddrInUse));
    }

    #[test]
    fn an_address_has_a_port() {
        for (text, address) in [
            (":9443", "[::]:9443"),
            ("[::]:9443", "[::]:9443"),
            ("[fd00::1]:9443", "[fd00::1]:9443"),
            ("0.0.0.0:9443", "0.0.0.0:9443"),
        ] {
            assert_eq!(listen_address(text).unwrap().to_string(), address);
        }
        for text in ["", ":", "9443", "::1:9443", "[::1]", "localhost:9443", ":65536"] {
            assert!(listen_address(text).unwrap_err().contains("ADDRESS:PORT"), "{text}");
        }
    }
}
