"""engine.check() and the machine: clock, proxy, the folder's permissions and its disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from account_check import changed, check, not_ok, ready

import leadflow as lf
from leadflow.check import disk, machine
from leadflow.check.disk import file_system
from leadflow.errors import SettingsError

# The clock.


@pytest.mark.parametrize(
    ("ahead_s", "status", "words"),
    [
        (0, "ok", "right"),
        (90, "warning", "90 s behind"),
        (-90, "warning", "90 s ahead of"),
        (420, "failed", "behind"),
        (-86_400, "failed", "86,400 s ahead of"),
    ],
)
def test_a_clock_that_is_off(world, ahead_s, status, words):
    settings = ready(world)
    world.configure(clock_ahead_s=ahead_s)
    found = check(world, settings)
    assert not_ok(found) == ({} if status == "ok" else {"Clock": status})
    said = [words.replace("90", str(seconds)) for seconds in range(85, 96)]  # the check itself takes a second or so
    assert any(one in found["Clock"].found for one in said)
    if status != "ok":
        assert "NTP" in found["Clock"].what_to_do


def test_no_server_says_what_time_it_is(world):
    urls = {"idicore": "login_url", "litigator": "url", "dnc": "url", "sheets": "base_url"}
    dead = {name: {url: "http://127.0.0.1:1/x", **_quick(name)} for name, url in urls.items()}
    found = check(world, changed(ready(world), dead))
    assert found["Clock"].status == "failed"
    assert "no vendor's server answered" in found["Clock"].found
    assert found["Snowflake sign-in"].status == "ok"


def _quick(name):
    return {"attempts": 1} if name == "sheets" else {"attempts": 1, "timeout_s": 1.0}


# Proxies.


def test_a_proxy_of_the_environment(world, monkeypatch):
    settings = ready(world)
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:secret@proxy.example.com:8080")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    found = check(world, settings)
    assert not_ok(found) == {"Proxy": "warning"}
    assert "HTTPS_PROXY is http://proxy.example.com:8080" in found["Proxy"].found
    assert "not for 127.0.0.1,localhost" in found["Proxy"].found
    assert not any(word in found["Proxy"].found for word in ("ann", "secret"))


@pytest.mark.parametrize(
    ("proxies", "words"),
    [
        ({"https": "http://proxy:3128"}, "HTTPS_PROXY is http://proxy:3128"),
        ({"https": "proxy.corp:3128"}, "HTTPS_PROXY is proxy.corp:3128"),
        ({"http": "http://u:p@10.0.0.1"}, "HTTP_PROXY is http://10.0.0.1"),
        ({"all": "socks5://proxy:1080"}, "ALL_PROXY is socks5://proxy:1080"),
        ({"https": "http://u:p%40x@[::1]:8080"}, "HTTPS_PROXY is http://"),
        ({"https": "http://proxy:port"}, "HTTPS_PROXY is http://proxy"),
        ({"https": "u:p@proxy:80"}, "HTTPS_PROXY is proxy:80"),
        ({"no": "localhost"}, "none"),
        ({"ftp": "http://proxy"}, "none"),
        ({}, "none"),
    ],
)
def test_what_is_said_of_a_proxy(proxies, words):
    finding = machine._proxy({}, proxies)
    assert words in finding.found
    assert "u:p" not in finding.found
    assert (finding.status == "ok") == (words == "none")
    assert ("httpx[socks]" in finding.what_to_do) == ("all" in proxies)


def test_certificates_of_another_authority():
    assert "SSL_CERT_FILE set" in machine._proxy({"SSL_CERT_FILE": "/etc/ca.pem"}, {}).found


# The folder.


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
@pytest.mark.parametrize(
    ("mode", "status"), [(0o755, "warning"), (0o750, "warning"), (0o701, "warning"), (0o700, "ok")]
)
def test_who_may_open_the_folder(world, mode, status):
    settings = ready(world)
    with lf.Engine(settings) as engine:
        os.chmod(settings.home, mode)
        found = {row.what: row for row in engine.check()}
        assert set(not_ok(found)) == (set() if status == "ok" else {"Folder"})
        assert f"mode {mode:o}" in found["Folder"].found
        if status != "ok":
            assert "chmod 700" in found["Folder"].what_to_do
        assert os.stat(settings.home).st_mode & 0o777 == mode


def test_files_that_others_may_read_are_named(world):
    settings = ready(world)
    with lf.Engine(settings) as engine:
        os.chmod(settings.home, 0o755)
        os.chmod(settings.checkpoint_file, 0o644)
        found = {row.what: row for row in engine.check()}
    assert "checkpoints.sqlite" in found["Folder"].found


# Its disk.

_HOME = Path("/home/ann/.leadflow")


@pytest.mark.parametrize(
    ("environment", "files", "folder", "words"),
    [
        ({}, ["/snowflake/session/token"], _HOME, "Snowflake (Workspaces, notebooks)"),
        ({"COLAB_RELEASE_TAG": "release-colab-1"}, [], Path("/root/.leadflow"), "Google Colab"),
        ({"DATABRICKS_RUNTIME_VERSION": "16.4"}, [], Path("/root/.leadflow"), "the Databricks driver"),
        ({"DATABRICKS_RUNTIME_VERSION": "16.4"}, [], Path("/Volumes/a/b/c"), "the middle of a file"),
        ({"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}, [], Path("/root/.leadflow"), "Kaggle"),
        ({"BINDER_SERVICE_HOST": "10.0.0.1"}, [], _HOME, "Binder"),
        ({"K_SERVICE": "leads"}, [], _HOME, "Cloud Run"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "leads"}, [], Path("/tmp/leadflow"), "Lambda"),
    ],
)
def test_a_disk_that_goes_away_is_a_warning_in_words(environment, files, folder, words):
    place = disk.Place(environment, lambda _: "ext4", files.__contains__)
    found, what_to_do = disk._doubt(folder, place)
    assert words in found
    assert what_to_do.endswith(".")


@pytest.mark.parametrize(
    ("kind", "folder", "words"),
    [
        ("tmpfs", _HOME, "in memory"),
        ("overlay", _HOME, "container"),
        ("nfs4", _HOME, "network disk"),
        ("cifs", _HOME, "network disk"),
        ("fuse.sshfs", _HOME, "network disk"),
        ("fuse.drive", Path("/content/drive/MyDrive/leadflow"), "network disk"),
        ("ext4", Path("/home/ann/OneDrive - Corp/leadflow"), "synchronized"),
        ("", Path("/Users/ann/Library/Mobile Documents/leadflow"), "synchronized"),
    ],
)
def test_a_file_system_that_does_not_keep_or_lock(kind, folder, words):
    found, what_to_do = disk._doubt(folder, disk.Place({}, lambda _: kind, lambda _: False))
    assert words in found
    assert what_to_do


@pytest.mark.parametrize(
    ("environment", "folder"),
    [({}, _HOME), ({"DATABRICKS_RUNTIME_VERSION": ""}, _HOME), ({"COLAB_GPU": "0"}, Path("/content/drive/MyDrive/x"))],
)
def test_an_ordinary_disk_is_no_doubt(environment, folder):
    assert disk._doubt(folder, disk.Place(environment, lambda _: "ext4", lambda _: False)) is None


def test_colab_shows_in_the_check(world, monkeypatch):
    settings = ready(world)
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab-20261101")
    found = check(world, settings)
    assert not_ok(found) == {"Folder's disk": "warning"}
    assert "Google Colab, which goes away with its session" in found["Folder's disk"].found
    assert "Drive" in found["Folder's disk"].what_to_do


@pytest.mark.skipif(not Path("/proc/mounts").exists(), reason="Linux alone lists the file systems there")
def test_the_file_system_of_a_folder_is_read():
    kinds = {line.split()[2] for line in Path("/proc/mounts").read_text().splitlines()}
    assert file_system(Path("/")) in kinds
    assert file_system(Path("/proc/self")) == "proc"


def test_settings_that_are_missing_are_named_before_any_check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="LEADFLOW_IDICORE"):
        lf.Engine()
