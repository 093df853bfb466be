"""The part of Azure that a guest agent talks to, small enough to read in one sitting.

In Azure a VM reaches two services of its host at the address 168.63.129.16:

    port 80     the wire server. It hands out the "goal state": which extensions the VM should have,
                with which settings, and the certificates to decrypt protected settings with.
    port 32526  the host plugin, through which the agent uploads its status and may fetch packages.

A third, the instance metadata service on 169.254.169.254, tells the VM what it is called in Azure
and what it is made of.
Extension packages and their manifests (the list of versions) lie in blob storage, and so does the
status blob: the JSON document from which the portal shows what became of each extension. Here both
are served at STORAGE.

This is for a private network namespace only, where these addresses reach nobody else:

    fabric = Fabric()
    fabric.start()
    fabric.publish("Some.Extension", "1.0.0.0", package_zip_bytes)
    fabric.set_goal_state(Extension("Some.Extension", "1.0.0.0", public={"mode": "diagnose"}))
    ... start a guest agent ...
    fabric.wait_for(lambda report: report.settings_status("Some.Extension") == "success")

The message formats are those that the agent 2.7.3.0 parses: azurelinuxagent/common/protocol/
goal_state.py, extensions_goal_state_from_extensions_config.py, wire.py and hostplugin.py.
"""

import base64
import concurrent.futures
import ctypes
import dataclasses
import http.server
import json
import os
import subprocess
import tempfile
import threading
import time
from xml.sax.saxutils import escape, quoteattr

WIRE_SERVER = "168.63.129.16"
METADATA = "169.254.169.254"
STORAGE = "10.0.0.5"
GATEWAY = "10.0.0.1"
VM = "10.0.0.4"
VM_MAC = "00:0d:3a:11:22:33"  # of the range that the VMs' interfaces have
HOST_PLUGIN_PORT = 32526
PROTOCOL_VERSION = "2012-11-30"
CONTAINER = "c1d2e3f4-0000-0000-0000-000000000001"
ROLE_INSTANCE = "vm"
CLONE_NEWNET = 0x40000000


@dataclasses.dataclass
class Extension:
    """One extension in the goal state, as a person asked for it in the portal or a template."""

    name: str
    version: str
    sequence: int = 0
    public: dict | None = None
    protected: dict | None = None
    settings: bool = True  # False: an extension without any settings at all
    state: str = "enabled"  # or "disabled" or "uninstall"
    protected_cipher: str = "aes-256-cbc"  # Azure has used des-ede3-cbc too
    protected_as_delivered: str | None = None  # in place of the encrypted settings, to damage them


class Report:
    """What the agent reported: the content of the status blob."""

    def __init__(self, blob):
        self.blob = blob

    def handler(self, name):
        """Version, status ("Ready", "NotReady"), code and message of an extension's handler; {} if absent."""
        for handler in self.blob.get("aggregateStatus", {}).get("handlerAggregateStatus", []):
            if handler["handlerName"] == name:
                return handler
        return {}

    def settings(self, name):
        """The extension's own status, from its <sequence>.status file; {} if there is none."""
        return self.handler(name).get("runtimeSettingsStatus", {}).get("settingsStatus", {}).get("status", {})

    def sequence(self, name):
        return self.handler(name).get("runtimeSettingsStatus", {}).get("sequenceNumber")

    def message(self, name):
        return self.settings(name).get("formattedMessage", {}).get("message", "")

    def substatuses(self, name):
        return {sub["name"]: sub for sub in self.settings(name).get("substatus", [])}


class Fabric:
    def __init__(self):
        self._changed = threading.Condition()
        self._incarnation = 0
        self._extensions = ()
        self._packages = {}  # (extension, version) -> zip
        self._status = None  # the newest status blob
        self._uploaded = 0.0  # and when it came
        self.telemetry = []  # the XML of every event upload
        self._certificate = _SettingsCertificate()
        self.set_goal_state()

    def start(self):
        """Serves until this process ends."""
        handler = type("Handler", (_Handler,), {"fabric": self})
        for server in create_network(lambda: [_Server(("0.0.0.0", port), handler) for port in (80, HOST_PLUGIN_PORT)]):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    # What Azure's control plane does

    def publish(self, name, version, package):
        """Makes a version of an extension available; `package` is the bytes of its zip."""
        self._packages[name, version] = package

    def set_goal_state(self, *extensions):
        """From now on the VM should have these extensions, and no others."""
        with self._changed:
            self._incarnation += 1
            self._extensions = extensions

    # What the portal does

    @property
    def report(self):
        """The newest status the agent uploaded."""
        with self._changed:
            return Report(self._status or {})

    def wait_for(self, wanted, timeout=60, since=0.0):
        """Waits until the agent uploads a status for which wanted(report) is true, and returns that report.

        `since` disregards what was uploaded before that time.monotonic(). Raises TimeoutError with the last report.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                report = None
                if self._status and self._uploaded > since:
                    report = Report(self._status)
                    if wanted(report):
                        return report
                if not self._changed.wait(deadline - time.monotonic()):
                    seen = json.dumps(report.blob.get("aggregateStatus"), indent=1) if report else "no status at all"
                    raise TimeoutError(f"after {timeout} s the agent last reported:\n{seen}")

    def receive_report(self, blob):
        with self._changed:
            self._status, self._uploaded = blob, time.monotonic()
            self._changed.notify_all()

    # The documents that the agent fetches

    def versions(self):
        return (f"<Versions><Preferred><Version>{PROTOCOL_VERSION}</Version></Preferred>"
                f"<Supported><Version>{PROTOCOL_VERSION}</Version></Supported></Versions>")

    def goal_state(self):
        """The root document; a new incarnation makes the agent fetch everything again."""
        with self._changed:
            incarnation = self._incarnation
        def link(document):
            return f"http://{WIRE_SERVER}/machine/{CONTAINER}/{ROLE_INSTANCE}?comp=config&amp;type={document}"
        return f"""<?xml version="1.0" encoding="utf-8"?>
<GoalState>
  <Version>{PROTOCOL_VERSION}</Version>
  <Incarnation>{incarnation}</Incarnation>
  <Machine><ExpectedState>Started</ExpectedState></Machine>
  <Container>
    <ContainerId>{CONTAINER}</ContainerId>
    <RoleInstanceList>
      <RoleInstance>
        <InstanceId>{ROLE_INSTANCE}</InstanceId>
        <State>Started</State>
        <Configuration>
          <HostingEnvironmentConfig>{link("hostingEnvironmentConfig")}</HostingEnvironmentConfig>
          <SharedConfig>{link("sharedConfig")}</SharedConfig>
          <ExtensionsConfig>{link("extensionsConfig")}</ExtensionsConfig>
          <Certificates>{link("certificates")}</Certificates>
          <ConfigName>deployment.0.vm.xml</ConfigName>
        </Configuration>
      </RoleInstance>
    </RoleInstanceList>
  </Container>
</GoalState>"""

    def hosting_environment(self):
        return ('<HostingEnvironmentConfig version="1.0.0.0"><Incarnation number="1" instance="vm" />'
                '<Role name="vm" /><Deployment name="deployment" /></HostingEnvironmentConfig>')

    def shared_config(self):
        return '<SharedConfig version="1.0.0.0"><Deployment name="deployment" /></SharedConfig>'

    def certificates(self, transport_certificate):
        """The VM's certificates and keys, encrypted to the certificate that the agent sent along."""
        return (f"<CertificateFile><Version>{PROTOCOL_VERSION}</Version><Incarnation>1</Incarnation>"
                "<Format>Pkcs7BlobWithPfxContents</Format>"
                f"<Data>{self._certificate.deliver_to(transport_certificate)}</Data></CertificateFile>")

    def extensions_config(self):
        with self._changed:
            extensions = self._extensions
        plugins, settings = [], []
        for extension in extensions:
            manifest = f"http://{STORAGE}/manifests/{extension.name}"
            identity = f"name={quoteattr(extension.name)} version={quoteattr(extension.version)}"
            plugins.append(f'<Plugin {identity} state="{extension.state}" location="{manifest}" '
                           f'autoUpgrade="false" runAsStartupTask="false" isJson="true" useExactVersion="true" />')
            if extension.settings:
                settings.append(f'<Plugin {identity}><RuntimeSettings seqNo="{extension.sequence}">'
                                f"{escape(json.dumps(self._runtime_settings(extension)))}</RuntimeSettings></Plugin>")
        return f"""<?xml version="1.0" encoding="utf-8"?>
<Extensions version="1.0.0.0">
  <GuestAgentExtension><GAFamilies /></GuestAgentExtension>
  <Plugins>{"".join(plugins)}</Plugins>
  <PluginSettings>{"".join(settings)}</PluginSettings>
  <StatusUploadBlob statusBlobType="BlockBlob">http://{STORAGE}/status</StatusUploadBlob>
</Extensions>"""

    def _runtime_settings(self, extension):
        handler_settings = {"publicSettings": extension.public}
        protected = extension.protected_as_delivered
        if extension.protected is not None:
            protected = self._certificate.encrypt(json.dumps(extension.protected), extension.protected_cipher)
        if protected is not None:
            handler_settings["protectedSettingsCertThumbprint"] = self._certificate.thumbprint
            handler_settings["protectedSettings"] = protected
        return {"runtimeSettings": [{"handlerSettings": handler_settings}]}

    def instance(self):
        """The instance metadata, in which numbers and truth values are text."""
        resource = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/test/providers/Microsoft.Compute"
        def disk(name, size):
            return {"name": name, "diskSizeGB": size, "createOption": "FromImage", "caching": "ReadWrite",
                    "managedDisk": {"id": f"{resource}/disks/{name}", "storageAccountType": "Premium_LRS"},
                    "image": {"uri": ""}, "vhd": {"uri": ""}, "writeAcceleratorEnabled": "false"}
        return {
            "compute": {"name": "vm", "location": "westeurope", "resourceGroupName": "test", "osType": "Linux",
                        "subscriptionId": "00000000-0000-0000-0000-000000000000",
                        "resourceId": f"{resource}/virtualMachines/vm", "vmSize": "Standard_D2s_v5",
                        "vmId": "00000000-0000-0000-0000-000000000002", "azEnvironment": "AzurePublicCloud",
                        "securityProfile": {"encryptionAtHost": "false", "secureBootEnabled": "true",
                                            "securityType": "TrustedLaunch", "virtualTpmEnabled": "true"},
                        "storageProfile": {"osDisk": disk("vm_OsDisk", "30") | {
                            "osType": "Linux", "diffDiskSettings": {"option": ""},
                            "encryptionSettings": {"enabled": "false"}}, "dataDisks": [],
                            "resourceDisk": {"size": "16777216"}}},
            "network": {"interface": [{
                "macAddress": VM_MAC.replace(":", "").upper(), "ipv6": {"ipAddress": []},
                "ipv4": {"ipAddress": [{"privateIpAddress": VM, "publicIpAddress": ""}],
                         "subnet": [{"address": "10.0.0.0", "prefix": "24"}]}}]}}

    def manifest(self, name):
        """Every published version of an extension and where its package lies; None if there is none."""
        plugins = "".join(f"<Plugin><Version>{version}</Version><Uris><Uri>"
                          f"http://{STORAGE}/packages/{name}/{version}</Uri></Uris></Plugin>"
                          for extension, version in self._packages if extension == name)
        return f"<PluginVersionManifest><Plugins>{plugins}</Plugins></PluginVersionManifest>" if plugins else None

    def package(self, name, version):
        return self._packages.get((name, version))


class _SettingsCertificate:
    """The certificate to which Azure encrypts protected settings; its key reaches the VM through the goal state."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(dir="/run")
        self._key = os.path.join(self._folder.name, "key.pem")
        self._certificate = os.path.join(self._folder.name, "certificate.pem")
        _openssl("req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "30", "-subj", "/CN=Windows Azure CRP",
                 "-keyout", self._key, "-out", self._certificate)
        fingerprint = _openssl("x509", "-in", self._certificate, "-noout", "-fingerprint", "-sha1").decode()
        self.thumbprint = fingerprint.strip().split("=")[1].replace(":", "")

    def encrypt(self, text, cipher):
        return base64.b64encode(_openssl("cms", "-encrypt", "-binary", f"-{cipher}", "-outform", "DER",
                                         self._certificate, input=text.encode())).decode()

    def deliver_to(self, transport_certificate):
        recipient = os.path.join(self._folder.name, "transport.der")
        with open(recipient, "wb") as file:
            file.write(base64.b64decode(transport_certificate))
        pfx = _openssl("pkcs12", "-export", "-passout", "pass:", "-inkey", self._key, "-in", self._certificate)
        message = _openssl("cms", "-encrypt", "-binary", "-des-ede3-cbc", "-outform", "DER", recipient, input=pfx)
        return base64.encodebytes(message).decode()  # in lines: the agent's openssl takes no long ones


def _openssl(*arguments, input=None):
    return subprocess.run(["openssl", *arguments], input=input, check=True, capture_output=True, timeout=60).stdout


class _Handler(http.server.BaseHTTPRequestHandler):
    fabric: Fabric

    def do_GET(self):
        document = self._document()
        if document is None:
            return self._answer(404)
        self._answer(200, document if isinstance(document, bytes) else document.encode())

    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/status":
            # Through the host plugin the blob comes wrapped in a request, base64-encoded; directly, as it is.
            if self.server.server_port == HOST_PLUGIN_PORT:
                body = base64.b64decode(json.loads(body)["content"])
            self.fabric.receive_report(json.loads(body))
        self._answer(201)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("comp=telemetrydata"):
            self.fabric.telemetry.append(body.decode())
        self._answer(200)  # also to reports about the health of the VM and of the host plugin

    def _document(self):
        path = self.path
        if self.server.server_port == HOST_PLUGIN_PORT:
            # vmSettings, the newer channel of the goal state, is absent: 2.7.3.0 acts upon it only
            # when the goal state's incarnation changes too, so ExtensionsConfig shows more.
            if path == "/extensionArtifact":
                path = self.headers.get("x-ms-artifact-location", "").removeprefix(f"http://{STORAGE}")
            else:
                return {"/versions": '["2015-09-01"]', "/health": ""}.get(path)
        for suffix, document in {"comp=versions": self.fabric.versions,
                                 "comp=goalstate": self.fabric.goal_state,
                                 "type=hostingEnvironmentConfig": self.fabric.hosting_environment,
                                 "type=sharedConfig": self.fabric.shared_config,
                                 "type=extensionsConfig": self.fabric.extensions_config}.items():
            if path.endswith(suffix):
                return document()
        if path.endswith("type=certificates"):
            return self.fabric.certificates(self.headers["x-ms-guest-agent-public-x509-cert"])
        if path.startswith("/metadata/instance"):
            part = path.partition("?")[0].removeprefix("/metadata/instance").strip("/")
            return json.dumps(self.fabric.instance()[part] if part else self.fabric.instance())
        if path.startswith("/manifests/"):
            return self.fabric.manifest(path.removeprefix("/manifests/"))
        if path.startswith("/packages/"):
            return self.fabric.package(*path.removeprefix("/packages/").split("/", 1))
        return None

    def _answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def create_network(open_sockets):
    """Gives this (private, still empty) network namespace a VM's interface. The other end lies in a namespace of its
    own, in which open_sockets() is called; returns what it returned."""
    with open("/proc/self/net/route") as routes:
        if len(routes.readlines()) > 1:
            raise RuntimeError("this network namespace is in use: refusing to take Azure's addresses in it")
    _ip("link set lo up")
    try:
        # Built upon another interface, eth0 is a network card to the program, and not a tunnel.
        _ip("link add wire0 type veth peer name fabric",
            "link set wire0 up",
            f"link add link wire0 name eth0 address {VM_MAC} type macvlan mode bridge")
    except subprocess.CalledProcessError:  # a kernel without macvlan
        _ip("link delete wire0",
            f"link add eth0 address {VM_MAC} type veth peer name fabric")

    def build():
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET)")
        namespace = f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net"
        subprocess.run(["nsenter", f"--net=/proc/{os.getpid()}/ns/net",
                        "ip", "link", "set", "fabric", "netns", namespace], check=True, timeout=10)
        _ip("link set lo up",
            f"address add {GATEWAY}/24 dev fabric",
            *(f"address add {address}/32 dev fabric" for address in (STORAGE, WIRE_SERVER, METADATA)),
            "link set fabric up")
        return open_sockets()

    # A thread can be in another network namespace than the rest; a socket stays where it was opened.
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        sockets = thread.submit(build).result()
    _ip(f"address add {VM}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {GATEWAY} dev eth0",
        # What DHCP hands out; the agent looks for the first one.
        *(f"route add {address}/32 via {GATEWAY} dev eth0" for address in (WIRE_SERVER, METADATA)))
    return sockets


def _ip(*commands):
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True, timeout=10)
