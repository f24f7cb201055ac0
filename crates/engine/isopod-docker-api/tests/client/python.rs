//! docker-py, the other client that people use. `ISOPOD_PYTHON` names an interpreter that has it.

use crate::daemon::{Daemon, skip};
use std::process::Command;

const SCRIPT: &str = r#"
import docker, io, sys, tarfile
client = docker.DockerClient(base_url=sys.argv[1], timeout=60)
assert client.ping()
assert client.version()["Os"] == "linux"
assert client.containers.run("bb", "echo hi", remove=True) == b"hi\n"
try:
    client.containers.run("bb", ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
    raise SystemExit("no error")
except docker.errors.ContainerError as error:
    assert error.exit_status == 3 and error.stderr == b"bad\n", error
c = client.containers.run("bb", "sleep 1000", detach=True, name="box", labels={"a": "b"}, environment={"X": "1"})
c.reload()
assert c.status == "running", c.status
assert [x.name for x in client.containers.list(filters={"label": "a=b"})] == ["box"]
assert c.exec_run("echo out") == (0, b"out\n")
code, (out, err) = c.exec_run(["sh", "-c", "echo o; echo e >&2; exit 4"], demux=True)
assert (code, out, err) == (4, b"o\n", b"e\n"), (code, out, err)
assert b"".join(c.exec_run("seq 3", stream=True).output) == b"1\n2\n3\n"
tar = io.BytesIO()
with tarfile.open(fileobj=tar, mode="w") as archive:
    info = tarfile.TarInfo("f"); info.size = 3
    archive.addfile(info, io.BytesIO(b"abc"))
assert c.put_archive("/tmp", tar.getvalue())
bits, stat = c.get_archive("/tmp/f")
assert stat["name"] == "f" and stat["size"] == 3, stat
with tarfile.open(fileobj=io.BytesIO(b"".join(bits))) as archive:
    assert archive.extractfile("f").read() == b"abc"
stats = c.stats(stream=False)
assert stats["memory_stats"]["usage"] > 0 and stats["pids_stats"]["current"] == 1, stats
assert c.top()["Processes"][0][-1] == "sleep 1000"
c.pause(); c.reload(); assert c.status == "paused"; c.unpause()
c.rename("other"); c.reload(); assert c.name == "other"
c.stop(timeout=1)
assert c.wait()["StatusCode"] == 137
c.start(); c.kill(); c.wait(); c.remove()
try:
    client.containers.get("box")
    raise SystemExit("no error")
except docker.errors.NotFound as error:
    assert "No such container: box" in str(error)
noisy = client.containers.run("bb", ["sh", "-c", "echo 1; sleep 0.2; echo 2"], detach=True)
assert b"".join(noisy.logs(stream=True, follow=True)) == b"1\n2\n"
noisy.remove()
volume = client.volumes.create("vol", labels={"x": "y"})
assert client.volumes.get("vol").attrs["Labels"] == {"x": "y"}
assert client.containers.run("bb", "cat /data/given", remove=True, volumes={"vol": {"bind": "/data", "mode": "rw"}}) == b"of the image\n"
volume.remove()
image = client.images.get("bb")
assert "bb:latest" in image.tags
assert image.tag("other", "1")
data = b"".join(client.images.get("other:1").save(named=True))
client.images.remove("other:1")
assert client.images.load(data)[0].id == image.id
assert client.df()["Images"]
try:
    client.images.get("ghost")
    raise SystemExit("no error")
except docker.errors.ImageNotFound:
    pass
socket = client.api.attach_socket(client.api.create_container("bb", "cat", stdin_open=True)["Id"], params={"stdin": 1, "stdout": 1, "stream": 1})
socket.close()
print("fine")
"#;

#[test]
fn docker_py() {
    let Ok(python) = std::env::var("ISOPOD_PYTHON") else {
        skip("ISOPOD_PYTHON does not name an interpreter that has docker-py");
        return;
    };
    let Some(daemon) = Daemon::start() else { return };
    let output = Command::new(python)
        .args(["-c", SCRIPT, &format!("unix://{}", daemon.socket().display())])
        .output()
        .expect("python runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}\n{}", daemon.log());
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "fine");
}
