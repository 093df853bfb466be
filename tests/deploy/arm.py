"""A small Azure Resource Manager on the loopback interface, over TLS: sign-in, VMs with their extensions, deployments,
policies and Resource Graph, as far as our scripts need them. It keeps what it is given and refuses what Azure would."""

import http.server
import json
import pathlib
import re
import ssl
import subprocess
import threading
import time
import urllib.parse

import template

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
TENANT = "22222222-2222-2222-2222-222222222222"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/group"
COMPUTE = f"{GROUP}/providers/Microsoft.Compute"
ROLE = "/providers/Microsoft.Authorization/roleDefinitions/9980e02c-c2be-4d73-94e8-173b1dc7cf3c"


def make_certificates(folder):
    """A throw-away authority and a certificate for localhost. Returns the authority's file and the server's."""
    folder = pathlib.Path(folder)
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for command in ("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout ca.key -out ca.pem",
                    "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
                    "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt"):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True, timeout=60)
    (folder / "server.pem").write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())
    return folder / "ca.pem", folder / "server.pem"


class Arm:
    """`check_extension` gets every extension's properties and raises ValueError where they are wrong."""

    def __init__(self, folder, check_extension=lambda properties: None):
        self.authority, server = make_certificates(folder)
        self.resources = {}  # by lower-case path
        self.requests = []  # (method, path, query, body)
        self.statuses = {}  # instance view of an extension, by lower-case path
        self.throttle = 0  # how many of the next requests are told to wait
        self.roles = {"Virtual Machine Contributor": ROLE}  # by name: their ids
        self.unreadable = ""  # a part of the paths that may not be read
        self.check_extension = check_extension
        self.files = {}  # what anybody may download, by path
        self.run_handler = lambda kind, properties: None  # what runs in the VM: see handlers.py
        arm = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                arm.handle(self)

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = handle_any

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def add_vm(self, name, system, location="westeurope"):
        path = f"{COMPUTE}/virtualMachines/{name}"
        self.resources[path.lower()] = {
            "id": path, "name": name, "type": "Microsoft.Compute/virtualMachines", "location": location,
            "properties": {"vmId": name, "provisioningState": "Succeeded",
                           "storageProfile": {"osDisk": {"osType": system, "name": "os", "createOption": "FromImage"}}}}
        return path

    def extensions_of(self, vm_path):
        return [resource for path, resource in self.resources.items()
                if path.startswith(vm_path.lower() + "/extensions/")]

    def bodies(self, method, path_pattern):
        return [body for seen, path, _, body in self.requests if seen == method and re.search(path_pattern, path)]

    def handle(self, request):
        address = urllib.parse.urlsplit(request.path)
        path = urllib.parse.unquote(address.path).rstrip("/")
        query = {key: values[0] for key, values in urllib.parse.parse_qs(address.query).items()}
        length = int(request.headers.get("Content-Length") or 0)
        raw = request.rfile.read(length)
        try:  # az sends templates as they are, after a key without quotes, which Azure takes
            body = json.loads(raw.replace(b", template:{", b', "template":{'))
        except ValueError:
            body = raw.decode()
        self.requests.append((request.command, path, query, body))
        if path in self.files:
            code, text, headers = 200, self.files[path], {}
        else:
            code, answer, headers = self.answer(request, path, query, body)
            text = b"" if answer is None else json.dumps(answer).encode()
        request.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(text)

    def answer(self, request, path, query, body):
        if path.startswith("/adfs"):
            return 200, self.sign_in(path), {}
        if request.headers.get("Authorization") != "Bearer the-token":
            return 401, error("AuthenticationFailed", "no token"), {}
        if "api-version" not in query and not path.startswith("/operations"):
            return 400, error("MissingApiVersionParameter", "The api-version query parameter is required"), {}
        if self.unreadable and self.unreadable in path:
            return 403, error("AuthorizationFailed", "no permission"), {}
        if self.throttle > 0 and "/extensions/" in path:
            self.throttle -= 1
            return 429, error("TooManyRequests", "wait"), {"Retry-After": "0"}
        try:
            return self.route(request.command, path, query, body)
        except Exception as problem:  # a wrong question should fail the test that asks it, with the reason
            return 400, error("InvalidRequest", f"{type(problem).__name__}: {problem}"), {}

    def sign_in(self, path):
        if path.endswith("openid-configuration"):
            base = f"{self.url}/adfs"
            return {"issuer": base, "authorization_endpoint": f"{base}/oauth2/authorize",
                    "token_endpoint": f"{base}/oauth2/token", "device_authorization_endpoint": f"{base}/oauth2/devicecode"}
        return {"access_token": "the-token", "token_type": "bearer", "expires_in": 3600}

    def route(self, method, path, query, body):
        key = path.lower()
        if key == "/subscriptions":
            return 200, {"value": [self.subscription()]}, {}
        if key == "/tenants":
            return 200, {"value": [{"id": f"/tenants/{TENANT}", "tenantId": TENANT}]}, {}
        if key == f"/subscriptions/{SUBSCRIPTION}":
            return 200, self.subscription(), {}
        if key == GROUP.lower():
            return 200, {"id": GROUP, "name": "group", "location": "westeurope", "properties": {}}, {}
        if key.startswith("/operations/"):
            return 200, {"status": "Succeeded"}, {}
        if key.endswith("/roledefinitions"):
            asked = re.search(r"roleName eq '([^']+)'", query.get("$filter", ""))
            if asked and asked.group(1) not in self.roles:
                return 200, {"value": []}, {}
            role = self.roles[asked.group(1)] if asked else ROLE
            return 200, {"value": [{"id": role, "name": role.split("/")[-1], "properties": {
                "roleName": asked.group(1) if asked else "Virtual Machine Contributor", "type": "CustomRole",
                "permissions": [], "assignableScopes": ["/"]}}]}, {}
        if key == "/providers/microsoft.resourcegraph/resources":
            return 200, self.graph(body), {}
        if key.startswith("/datacollectionrules/"):
            return 204, None, {}
        if "/providers/microsoft.resources/deployments/" in key:
            return self.deployment(method, path, body)
        if method == "PUT":
            return self.put(path, body)
        if method == "PATCH":
            return self.patch(path, body)
        if method == "DELETE":
            self.statuses.pop(key, None)
            return (200 if self.resources.pop(key, None) else 204), None, {}
        if key.endswith("/instanceview"):
            return 200, self.instance_view(path.rsplit("/", 1)[0]), {}
        if key not in self.resources:
            return 404, error("ResourceNotFound", f"The Resource '{path}' was not found."), {}
        resource = json.loads(json.dumps(self.resources[key]))
        if query.get("$expand") == "instanceView":
            resource["properties"]["instanceView"] = (
                self.statuses.get(key, {}) if re.search("/extensions/|/runcommands/", key) else self.instance_view(path))
        for secret in ("protectedSettings", "protectedParameters"):
            resource["properties"].pop(secret, None)  # never given back
        return 200, resource, {}

    def subscription(self):
        return {"id": f"/subscriptions/{SUBSCRIPTION}", "subscriptionId": SUBSCRIPTION, "tenantId": TENANT,
                "displayName": "test", "state": "Enabled"}

    def instance_view(self, vm_path):
        if vm_path.lower() not in self.resources:
            raise KeyError(vm_path)
        extensions = [self.statuses.get(extension["id"].lower(), {}) for extension in self.extensions_of(vm_path)]
        return {"vmAgent": {"vmAgentVersion": "2.7"}, "extensions": extensions, "statuses": []}

    def patch(self, path, body):
        """Of a VM: its identity, or its applications, which are installed and removed as the handler of VM Applications would."""
        resource = self.resources[path.lower()]
        if set(body) == {"identity"}:
            resource["identity"] = {**body["identity"], "principalId": "44444444-4444-4444-4444-444444444444", "tenantId": TENANT}
            return 200, resource, {}
        if resource["type"] != "Microsoft.Compute/virtualMachines" or list(body["properties"]) != ["applicationProfile"]:
            raise ValueError(f"PATCH of {list(body['properties'])}")
        profile = resource["properties"].setdefault("applicationProfile", {"galleryApplications": []})
        before = [entry["packageReferenceId"] for entry in profile["galleryApplications"]]
        after = [entry["packageReferenceId"] for entry in body["properties"]["applicationProfile"]["galleryApplications"]]
        if unknown := [one for one in after if one not in before and one.lower() not in self.resources]:
            raise ValueError(f"no such version: {unknown}")
        for version, action in [(one, "remove") for one in before if one not in after] + [
                (one, "install") for one in after if one not in before]:
            self.run_handler("vm-application", {**self.resources[version.lower()]["properties"]["publishingProfile"],
                                                "action": action})
        resource["properties"].update(body["properties"])
        return 200, resource, {}

    def put(self, path, body):
        parts = path.split("/providers/")[-1].split("/")
        kind = "/".join(parts[:1] + parts[1::2])
        stored = {"id": path, "name": parts[-1], "type": kind, **body}
        headers = {}
        if kind.endswith("/extensions"):
            parent = path.rsplit("/", 2)[0]
            if parent.lower() not in self.resources:
                return 404, error("ParentResourceNotFound", f"{parent} was not found"), {}
            found = None
            if body["properties"]["publisher"].startswith("Microsoft."):
                found = self.run_handler("custom-script", body["properties"])
            else:
                self.check_extension(body["properties"])
            stored["properties"] = {**body["properties"], "provisioningState": "Succeeded"}
            self.statuses.setdefault(path.lower(), {
                "name": parts[-1], "type": f"{body['properties']['publisher']}.{body['properties']['type']}",
                "typeHandlerVersion": "1.0.0.0", "statuses": [status("ProvisioningState/succeeded", "Nothing to do in this VM.")],
                "substatuses": []})
            if found:
                self.statuses[path.lower()]["statuses"] = [status("ProvisioningState/succeeded", found)]
            headers = {"Azure-AsyncOperation": f"{self.url}/operations/1?api-version=1", "Retry-After": "0"}
        if kind.endswith("/runCommands"):
            self.statuses[path.lower()] = self.run_handler("run-command", body["properties"])
        if kind.endswith("/policyAssignments"):
            self.check_assignment(body)
            stored["identity"] = {**body.get("identity", {}), "principalId": "33333333-3333-3333-3333-333333333333",
                                  "tenantId": TENANT}
        if kind.endswith("/policySetDefinitions"):
            self.check_initiative(body)
        if kind.endswith("/roleAssignments"):
            wanted = {name: body["properties"][name] for name in ("principalId", "roleDefinitionId")}
            place = path.lower().rsplit("/", 1)[0]
            for other, resource in self.resources.items():
                if other.startswith(place) and other != path.lower() and wanted.items() <= resource["properties"].items():
                    return 409, error("RoleAssignmentExists", "The role assignment already exists."), {}
        if kind.endswith("/remediations"):
            assignment = self.resources[body["properties"]["policyAssignmentId"].lower()]
            initiative = self.resources[assignment["properties"]["policyDefinitionId"].lower()]
            if body["properties"]["policyDefinitionReferenceId"] not in [
                    part["policyDefinitionReferenceId"] for part in initiative["properties"]["policyDefinitions"]]:
                raise ValueError("the initiative has no such policy")
        self.resources[path.lower()] = stored
        return 201, stored, headers

    def check_initiative(self, body):
        """Every policy exists, gets parameters that it has, and is given no parameter that the initiative lacks."""
        for part in body["properties"]["policyDefinitions"]:
            policy = self.resources[part["policyDefinitionId"].lower()]
            for name, value in part["parameters"].items():
                declared = policy["properties"]["parameters"][name]
                given = body["properties"]["parameters"]
                used = re.fullmatch(r"\[parameters\('(\w+)'\)\]", str(value["value"]))
                if used and given[used.group(1)]["type"] != declared["type"]:
                    raise ValueError(f"{name}: type {declared['type']}")
                if not used and value["value"] not in declared.get("allowedValues", [value["value"]]):
                    raise ValueError(f"{name}: {value['value']} is not allowed")

    def check_assignment(self, body):
        initiative = self.resources[body["properties"]["policyDefinitionId"].lower()]
        for name, value in (body["properties"].get("parameters") or {}).items():
            declared = initiative["properties"]["parameters"][name]
            if value["value"] not in declared.get("allowedValues", [value["value"]]):
                raise ValueError(f"{name}: {value['value']} is not allowed")

    def deployment(self, method, path, body):
        if method == "POST" or method == "PUT":
            given = {name: value["value"] for name, value in (body["properties"].get("parameters") or {}).items()}
            made = template.resources(body["properties"]["template"], given, scope=GROUP)
            for resource in made if method == "PUT" else []:
                kinds, names = resource["type"].split("/")[1:], resource["name"].split("/")
                place = "/".join(part for pair in zip(kinds, names) for part in pair)
                code, answer, _ = self.put(f"{GROUP}/providers/{resource['type'].split('/')[0]}/{place}",
                                           {key: value for key, value in resource.items() if key != "name"})
                if code >= 400:
                    return code, answer, {}
            stored = {"id": path, "name": path.rsplit("/", 1)[-1], "properties": {
                "provisioningState": "Succeeded", "mode": "Incremental", "timestamp": "2026-01-01T00:00:00Z",
                "duration": "PT1S", "parameters": {}, "dependencies": [], "correlationId": "1", "providers": []}}
            if method == "PUT":
                self.resources[path.lower()] = stored
            return 200 if method == "POST" else 201, stored, {}
        if path.lower().endswith("/operationstatuses"):
            return 200, {"status": "Succeeded"}, {}
        return 200, self.resources[path.lower()], {}

    def graph(self, body):
        """Two rows a page, to make the client turn pages."""
        rows = [{"id": resource["id"], "name": resource["name"], "type": "microsoft.compute/virtualmachines/extensions",
                 "properties": {key: value for key, value in resource["properties"].items() if key != "protectedSettings"}}
                for path, resource in self.resources.items() if "/virtualmachines/" in path and "/extensions/" in path
                and resource["properties"]["publisher"] in body["query"]]
        start = int((body.get("options") or {}).get("$skipToken") or 0)
        page = rows[start:start + 2]
        more = {"$skipToken": str(start + 2)} if start + 2 < len(rows) else {}
        return {"totalRecords": len(rows), "count": len(page), "data": page, "facets": [], "resultTruncated": "false", **more}


def status(code, message, level="Info"):
    return {"code": code, "level": level, "displayStatus": "Provisioning succeeded", "message": message,
            "time": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())}


def error(code, message):
    return {"error": {"code": code, "message": message}}
