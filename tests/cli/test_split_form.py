"""The auth server and a gateway apart, set up as the README says."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.cli.command import ROOT, call, run
from tests.cli.serving import SECRET, serving_anew, told_by
from tests.cli.uploading import uploaded

pytestmark = pytest.mark.timeout(180)


@pytest.mark.slow
@pytest.mark.requirement(1, 2)
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_split_form_runs_with_certificates_from_the_script(on_database: dict[str, str], tmp_path: Path) -> None:
    tls = tmp_path / "tls"
    subprocess.run([ROOT / "scripts" / "certificates", tls, "localhost", "gateway.internal"], check=True)
    strict = {name: value for name, value in on_database.items() if name != "GATEPOST_GRPC_INSECURE"}
    added = run("services", "add", "edge", "--gateway", "--certificate-name", "gateway.internal", **strict)
    server = {
        "GATEPOST_GRPC_TLS_CERTIFICATE": str(tls / "localhost.crt"),
        "GATEPOST_GRPC_TLS_KEY": str(tls / "localhost.key"),
        "GATEPOST_GRPC_TLS_CLIENT_CA": str(tls / "ca.crt"),
        "GATEPOST_PUBLIC_URL": "https://auth.example.org",
        "GATEPOST_DATA_DIR": str(tmp_path / "data"),
    }

    with serving_anew("auth", tmp_path / "auth", **strict, **server) as auth:
        port = told_by(tmp_path / "auth", "grpc_target").rpartition(":")[2]
        gateway = {
            "GATEPOST_HTTP_PORT": "0",
            "GATEPOST_AUTH_TARGET": f"localhost:{port}",
            "GATEPOST_AUTH_TLS_CA": str(tls / "ca.crt"),
            "GATEPOST_AUTH_TLS_CERTIFICATE": str(tls / "gateway.internal.crt"),
            "GATEPOST_AUTH_TLS_KEY": str(tls / "gateway.internal.key"),
        }
        with serving_anew("gateway", tmp_path / "gateway", **gateway) as front:
            url = told_by(tmp_path / "gateway", "http_url")
            answer = call(f"{url}/adapter/get-user-by-email?email=x", x_auth_secret=SECRET)
            image_url = uploaded(url)
            with urllib.request.urlopen(image_url.replace("https://auth.example.org", url), timeout=10) as image:
                media_type = image.headers["content-type"]
            front.terminate()
            assert front.wait(20) == 0
        auth.terminate()
        assert auth.wait(20) == 0

    assert added.returncode == 0, added.stderr
    assert answer == (200, None)
    assert media_type == "image/png"
    assert [path.name for path in (tmp_path / "data" / "images").iterdir()] == [image_url.rpartition("/")[2]]
    assert (tls / "localhost.key").stat().st_mode & 0o777 == 0o600
