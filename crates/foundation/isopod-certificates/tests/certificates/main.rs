//! Certificates as both sides of a connection see them.

use isopod_base::times::Timestamp;
use isopod_certificates::{Authority, Description, Purpose, Request};
use isopod_tls::SideFiles;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection};
use std::io::{Read, Write};
use std::path::PathBuf;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).expect("writable");
        self.path(name)
    }

    fn authority(&self, name: &str) -> Authority {
        let authority = Authority::create(name, Timestamp::now(), 30).expect("makes");
        self.write(&format!("{name}.pem"), authority.certificate());
        self.write(&format!("{name}-key.pem"), &authority.key());
        authority
    }

    /// A side that trusts the authority `trusts`.
    fn side(&self, trusts: &str, signer: &Authority, name: &str, purpose: Purpose) -> SideFiles {
        let issued = signer.issue(&request(name, purpose), Timestamp::now()).expect("signs");
        SideFiles {
            authority: self.path(&format!("{trusts}.pem")),
            certificate: self.write(&format!("{name}.crt"), &issued.certificate),
            key: self.write(&format!("{name}.key"), &issued.key),
        }
    }
}

fn request(name: &str, purpose: Purpose) -> Request {
    let names = match purpose {
        Purpose::Server => vec!["box.test".to_owned(), "127.0.0.1".to_owned()],
        Purpose::Client => vec![],
    };
    Request { purpose, name: name.to_owned(), names, days: 365 }
}

/// Lets a client greet a server; says why the two do not come together.
fn greet(server: &SideFiles, client: &SideFiles, name: &str) -> Result<(), String> {
    let server_side = server.server().expect("server's settings");
    let client_side = client.client().expect("client's settings");
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let mut server = ServerConnection::new(server_side.into()).expect("server");
    let mut client = ClientConnection::new(client_side.into(), name).expect("client");
    client.writer().write_all(b"hello").expect("buffered");
    for _ in 0..16 {
        let mut wire = vec![];
        while client.wants_write() {
            client.write_tls(&mut wire).expect("to memory");
        }
        while !wire.is_empty() {
            let mut rest = wire.as_slice();
            server.read_tls(&mut rest).expect("from memory");
            wire = rest.to_vec();
            server.process_new_packets().map_err(|error| format!("server: {error}"))?;
        }
        let mut wire = vec![];
        while server.wants_write() {
            server.write_tls(&mut wire).expect("to memory");
        }
        while !wire.is_empty() {
            let mut rest = wire.as_slice();
            client.read_tls(&mut rest).expect("from memory");
            wire = rest.to_vec();
            client.process_new_packets().map_err(|error| format!("client: {error}"))?;
        }
    }
    let mut heard = [0; 5];
    server.reader().read_exact(&mut heard).map_err(|error| error.to_string())?;
    assert_eq!(&heard, b"hello");
    Ok(())
}

#[test]
fn both_sides_prove_who_they_are() {
    let place = Place::new();
    let (ours, other) = (place.authority("ours"), place.authority("other"));
    let server = place.side("ours", &ours, "server", Purpose::Server);
    let client = place.side("ours", &ours, "client", Purpose::Client);
    let stranger = place.side("ours", &other, "stranger", Purpose::Client);
    let wary = place.side("other", &ours, "wary", Purpose::Client);
    let missing = || place.path("missing");
    let nobody = SideFiles { certificate: missing(), key: missing(), ..client.clone() };

    greet(&server, &client, "box.test").expect("by name");
    greet(&server, &client, "127.0.0.1").expect("by address");
    for (what, result, words) in [
        ("no certificate", greet(&server, &nobody, "box.test"), "server: "),
        ("a stranger", greet(&server, &stranger, "box.test"), "server: "),
        ("a server as client", greet(&server, &server, "box.test"), "server: "),
        ("another name", greet(&server, &client, "evil.test"), "client: "),
        ("an unknown server", greet(&server, &wary, "box.test"), "client: "),
        ("a client as server", greet(&client, &client, "box.test"), "client: "),
    ] {
        let error = result.expect_err(what);
        assert!(error.starts_with(words), "{what}: {error}");
    }
}

#[test]
fn an_authority_is_read_again_and_never_outlived() {
    let place = Place::new();
    place.authority("ours");
    let ca = place.path("ours.pem");
    let again = Authority::load(&ca, &place.path("ours-key.pem")).expect("reads");
    let server = place.side("ours", &again, "server", Purpose::Server);
    let client = place.side("ours", &again, "client", Purpose::Client);
    greet(&server, &client, "box.test").expect("signed by the same");

    let description = Description::of_file(&server.certificate).expect("a certificate");
    assert_eq!((description.subject.as_str(), description.issuer.as_str()), ("server", "ours"));
    assert_eq!(description.names, ["box.test", "127.0.0.1"]);
    assert_eq!(description.purposes, [Purpose::Server]);
    assert!(!description.authority);
    let authority = Description::of_file(&ca).expect("a certificate");
    assert!(authority.authority && authority.not_after == description.not_after);
}

#[test]
fn a_renewed_certificate_fits_the_old_key() {
    let place = Place::new();
    let ours = place.authority("ours");
    let server = place.side("ours", &ours, "server", Purpose::Server);
    let client = place.side("ours", &ours, "client", Purpose::Client);
    let before = Description::of_file(&client.certificate).expect("a certificate");
    let renewed = ours
        .renew(&request("client", Purpose::Client), &client.key, Timestamp::now())
        .expect("signs");
    std::fs::write(&client.certificate, renewed).expect("writable");
    let after = Description::of_file(&client.certificate).expect("a certificate");
    assert_ne!(before.fingerprint, after.fingerprint);
    greet(&server, &client, "box.test").expect("the key fits");
}

#[test]
fn mistakes_name_the_file() {
    let place = Place::new();
    let ours = place.authority("ours");
    place.authority("other");
    let client = place.side("ours", &ours, "client", Purpose::Client);
    let (ca, other_key) = (place.path("ours.pem"), place.path("other-key.pem"));
    let junk =
        place.write("junk.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for (error, part) in [
        (Authority::load(&ca, &other_key).expect_err("another"), "other-key.pem: this is not"),
        (Authority::load(&client.certificate, &client.key).expect_err("none"), "client.crt"),
        (Authority::load(&place.path("gone.pem"), &client.key).expect_err("gone"), "gone.pem"),
        (Description::of_file(&junk).expect_err("junk"), "junk.pem: no X.509"),
    ] {
        assert!(error.to_string().contains(part), "{error}");
    }
    for name in ["", "a..b", "with blank", "*.*.x", "ä.example"] {
        let wrong = Request { names: vec![name.to_owned()], ..request("x", Purpose::Server) };
        let error = ours.issue(&wrong, Timestamp::now()).expect_err(name);
        assert!(error.to_string().contains(name), "{error}");
    }
}
