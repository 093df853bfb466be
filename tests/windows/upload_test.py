"""Uploads through WinHTTP to a TLS server on loopback: tests/upload, on Windows."""

import hashlib
import io
import pathlib
import ssl
import sys
import unittest
import zipfile

from windows_case import BENCH, WINE, GuestAgentCase, WindowsCase, wine

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "upload"))
import blob_service  # noqa: E402


def trust(certificate):
    """Puts a certificate among the authorities that this computer trusts, as the store keeps it: a property of kind 32
    is the certificate."""
    content = ssl.PEM_cert_to_DER_cert(pathlib.Path(f"{certificate}.crt").read_text())
    thumbprint = hashlib.sha1(content).hexdigest().upper()
    blob = b"".join(number.to_bytes(4, "little") for number in (32, 1, len(content))) + content
    wine("reg", "add", rf"HKLM\SOFTWARE\Microsoft\SystemCertificates\Root\Certificates\{thumbprint}", "/v", "Blob",
         "/t", "REG_BINARY", "/d", blob.hex(), "/f")


class Upload(blob_service.UploadCases, WindowsCase):
    def setUp(self):
        WindowsCase.setUp(self)
        blob_service.UploadCases.setUp(self)
        for certificate in (self.good, self.other_name):
            trust(certificate)

    def command(self, url):
        folder = f"Z:{self.folder}".replace("/", "\\")
        return [WINE, BENCH / "upload.exe", url, rf"{folder}\bundle.zip", rf"{folder}\progress.json", "",
                str(blob_service.BLOCK)]


class SupportBundle(GuestAgentCase):
    def test_the_extension_sends_it_where_its_protected_settings_say(self):
        certificates = blob_service.Certificates()
        self.addCleanup(certificates.remove)
        trust(certificates.good)
        service = blob_service.BlobService(certificates.good, {2: blob_service.break_off})
        self.addCleanup(service.close)
        self.settings(0, public={"mode": "diagnose", "only": ["vss-service"]},
                      protected=self.encrypted({"supportUpload": service.url}))
        self.assertEqual(self.agent_calls("enable").returncode, 0)
        status = self.terminal_status(0)
        sent = [part for part in status["substatus"] if part["name"] == "support-upload"]
        self.assertEqual([part["status"] for part in sent], ["success"], status)
        (name, content), = service.blobs.items()
        self.assertRegex(name, r"^/bundles/backup-remediation-.*\.zip$")
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            self.assertIsNone(bundle.testzip())
            self.assertIn("report.json", bundle.namelist())
        self.assertNotIn(blob_service.SIGNATURE, str(status))


if __name__ == "__main__":
    unittest.main()
