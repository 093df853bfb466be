"""A VM in Azure as Resource Manager and the instance metadata service show it: a small state machine, with the rules that
Azure has: rights, locks, versions, pages, throttling."""

import errno
import fnmatch
import http.server
import json
import pathlib
import re
import ssl
import subprocess
import threading
import time
import urllib.parse

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
SUB = f"/subscriptions/{SUBSCRIPTION}"
VM = f"{SUB}/resourceGroups/rg1/providers/Microsoft.Compute/virtualMachines/vm1"
VAULT = f"{SUB}/resourceGroups/rgv/providers/Microsoft.RecoveryServices/vaults/vault1"
CONTAINER = "IaasVMContainer;iaasvmcontainerv2;rg1;vm1"
ITEM = f"{VAULT}/backupFabrics/Azure/protectionContainers/{CONTAINER}/protectedItems/VM;iaasvmcontainerv2;rg1;vm1"
POLICY = f"{VAULT}/backupPolicies/DefaultPolicy"
KEY_VAULT = f"{SUB}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/keys"
DISK = f"{SUB}/resourceGroups/rg1/providers/Microsoft.Compute/disks/os"
COLLECTION = (f"{SUB}/resourceGroups/AzureBackupRG_westeurope_1/providers/Microsoft.Compute/restorePointCollections/"
              "AzureBackup_vm1_1")
LOCKS = "/providers/Microsoft.Authorization/locks"
HOST = "management.azure.com"
VM_TOKEN = "eyJ0eXAiOiJKV1Qi.eyJhdWQiOiJodHRwczovL21hbmFnZW1lbnQ.c2lnbmF0dXJlLW9mLXRoZS12bQ"
PERSON_TOKEN = "eyJ0eXAiOiJKV1Qi.eyJuYW1lIjoiYSBwZXJzb24ifQ.c2lnbmF0dXJlLW9mLWEtcGVyc29u"
VM_UNIQUE_ID = "11111111-2222-4333-8444-555555555555"


def make_certificates(folder, name):
    """A throw-away authority, and a certificate for `name`. Returns the authority's file and the server's."""
    folder = pathlib.Path(folder)
    (folder / "names").write_text(f"subjectAltName=DNS:{name}\n")
    for command in ("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout ca.key -out ca.pem",
                    f"req -newkey rsa:2048 -nodes -subj /CN={name} -keyout server.key -out server.csr",
                    "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt"):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True, timeout=60)
    (folder / "server.pem").write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())
    return folder / "ca.pem", folder / "server.pem"


def ago(**passed):
    seconds = sum(value * {"days": 86400, "hours": 3600, "minutes": 60}[unit] for unit, value in passed.items())
    return time.strftime("%Y-%m-%dT%H:%M:%S.1234567Z", time.gmtime(time.time() - seconds))


def status(code, level="Info", message="", **more):
    return {"code": code, "level": level, "displayStatus": code.split("/")[-1], "message": message,
            "time": ago(hours=1), **more}


class Cloud:
    """Its public members are what a test sets; `requests` is what arrived, without tokens."""

    def __init__(self, folder):
        self.requests = []  # (host, method, path, query, body)
        self.metadata_requests = []  # (path, headers)
        self.wrong_tokens = 0
        self.identity_answers = []  # (status, body), used up one after another before the token is given
        self.actions = ["*"]  # what the caller may
        self.page_size = 2
        self.foreign_next_link = None
        self.versions = {}  # by lower-case provider: the versions that it knows; any other: all
        self.throttled = []  # values of Retry-After, used up one after another
        self.jobs = []
        self.locks = []  # (scope, name, level)
        self.points = [self.point(1, ago(days=1))]
        self.extensions = [("VMSnapshotLinux", "Microsoft.Azure.RecoveryServices", "Succeeded", "")]
        self.vm_state = "Succeeded"
        self.protection_state = "Protected"
        self.registration = "Registered"
        self.location = "West Europe"
        self.backups = 0  # how many were started
        self.backup_outcome = "Completed"  # or "Failed": then it leaves no recovery point
        self.reapplied = self.deleted = self.registered = self.cancelled = 0  # how often that was done
        self.unlocked = 0
        self.notes = {}  # of locks that were put there, by name
        self.managed = set()  # names of locks that a managed application owns
        self.collection_is_there = True
        self.exports = set()  # disk restore points that somebody may read
        self.key_vault_of_vm = None  # its id, where the disks are encrypted with keys in it
        self.key_access = {}  # rights in that key vault by kind, by object id
        self.conflicts = 0  # so many changes are refused because another one is at work
        self.operation_polls = 2  # so often an operation is seen before it has ended
        self.operations = {}  # name: [polls left, what its end does, the word that it ends with]
        self.operation_ends_with = "Succeeded"
        self.at_work = None  # an extension that has not ended
        self.before_change = self.after_change = lambda method, path: None  # as a change arrives (True: it is lost), and as it is answered
        self.refused_backup = None  # the code with which Azure refuses to start one
        self.failing = set()  # parts of paths that answer HTTP 500
        self.authority, server = make_certificates(folder, HOST)
        self.servers = []
        try:
            self.servers.append(self.serve(("127.0.0.1", 443), self.answer_arm, server))
            self.servers.append(self.serve(("169.254.169.254", 80), self.answer_metadata, None))
        except OSError:
            self.close()  # else every later test finds its port taken
            raise

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def serve(self, address, answer, certificate):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                code, document, headers = answer(self, body)
                text = b"" if document is None else json.dumps(document).encode()
                self.send_response(code)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                try:
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass  # a test has killed who asked

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *arguments):
                pass

        http.server.ThreadingHTTPServer.allow_reuse_address = True
        server = self.listening(address, Handler)
        server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    @staticmethod
    def listening(address, handler):
        """On a busy computer the server of the test before may hold the port for a moment."""
        deadline = time.monotonic() + 20
        while True:
            try:
                return http.server.ThreadingHTTPServer(address, handler)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    # ---- the instance metadata service

    def answer_metadata(self, request, _):
        self.metadata_requests.append((request.path, dict(request.headers)))
        if request.headers.get("Metadata") != "true":
            return 400, {"error": "Bad request. Required metadata header not specified"}, {}
        if request.path.startswith("/metadata/instance"):
            compute = {"resourceId": VM, "location": "westeurope", "azEnvironment": "AzurePublicCloud", "name": "vm1"}
            return 200, compute if "/compute?" in request.path else {"compute": compute}, {}
        if not request.path.startswith("/metadata/identity/oauth2/token?"):
            return 404, {"error": "Not found"}, {}
        if self.identity_answers:
            code, body = self.identity_answers.pop(0)
            return code, body, {}
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
        if query.get("resource") != [f"https://{HOST}/"]:
            return 400, {"error": "invalid_resource", "error_description": "AADSTS500011"}, {}
        return 200, {"access_token": VM_TOKEN, "expires_in": "86399", "expires_on": "1", "not_before": "1",
                     "resource": f"https://{HOST}/", "token_type": "Bearer"}, {}

    # ---- Resource Manager

    def answer_arm(self, request, body):
        address = urllib.parse.urlsplit(request.path)
        path = urllib.parse.unquote(address.path)
        query = {key: values[0] for key, values in urllib.parse.parse_qs(address.query).items()}
        self.requests.append((request.headers.get("Host"), request.command, path, query, body))
        if request.headers.get("Authorization") not in (f"Bearer {VM_TOKEN}", f"Bearer {PERSON_TOKEN}"):
            self.wrong_tokens += 1
            return self.refuse(401, "InvalidAuthenticationToken")
        if request.headers.get("Accept-Language") != "en-US" or not request.headers.get("x-ms-client-request-id"):
            return self.refuse(400, "InvalidRequest", "headers are missing")
        if self.throttled:
            return *self.refuse(429, "TooManyRequests")[:2], {"Retry-After": str(self.throttled.pop(0))}
        if "api-version" not in query:
            return self.refuse(400, "MissingApiVersionParameter")
        if any(part in path for part in self.failing):
            return self.refuse(500, "InternalServerError")
        provider, kind = self.type_of(path)
        known = self.versions.get(provider.lower())
        if known and kind and query["api-version"] not in known:
            return self.refuse(400, "NoRegisteredProviderFound", f"The supported api-versions are '{', '.join(known)}'.")
        action = self.action_of(request.command, provider, kind)
        if not any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in self.actions):
            return self.refuse(403, "AuthorizationFailed",
                               f"The client 'x' does not have authorization to perform action '{action}' over scope '{path}'.")
        if request.command != "GET" and LOCKS.lower() not in path.lower():
            for scope, _, level in self.locks:
                if (level == "ReadOnly" or request.command == "DELETE") and path.lower().startswith(scope.lower()):
                    return self.refuse(409, "ScopeLocked", f"The scope '{path}' is locked: '{scope}'")
        if request.command != "GET" and not path.lower().endswith(("/backupstatus", "/checkpolicyrestrictions")):
            if self.before_change(request.command, path):
                return self.refuse(503, "ServiceUnavailable")
            answer = self.change(request.command, path, body)
            self.after_change(request.command, path)
            return answer
        try:
            found = self.route(request.command, path, query, body)
        except (KeyError, ValueError, AssertionError) as problem:  # a wrong question should fail the test, with the reason
            return self.refuse(400, "InvalidRequest", f"{type(problem).__name__}: {problem}")
        if found is None:
            return self.refuse(404, "ResourceNotFound", f"'{path}' was not found")
        return 200, found, {}

    @staticmethod
    def refuse(code, word, message="refused"):
        return code, {"error": {"code": word, "message": message}}, {"x-ms-correlation-request-id": "c0ffee"}

    @staticmethod
    def type_of(path):
        place = path.lower().rfind("/providers/")
        if place < 0:
            return "Microsoft.Resources", "resourceGroups"
        parts = path[place + len("/providers/"):].split("/")
        return parts[0], "/".join(parts[1::2])

    @staticmethod
    def action_of(method, provider, kind):
        if not kind:
            return "Microsoft.Resources/subscriptions/providers/read"
        word = "read" if method == "GET" or kind == "checkPolicyRestrictions" else {"DELETE": "delete", "PUT": "write"}.get(method, "action")
        return f"{provider}/{kind}/{word}"

    def change(self, method, path, body):
        """The few changes that the program may ask for; any other fails the test that made it."""
        key = path.lower()
        if (method, key) == ("POST", f"{ITEM}/backup".lower()):
            return self.start_backup(json.loads(body))
        if self.conflicts:
            self.conflicts -= 1
            return self.refuse(409, "Conflict", "The request failed due to conflict with a concurrent request.")
        if (method, key) == ("POST", f"{VM}/reapply".lower()):
            self.reapplied += 1
            self.vm_state = "Updating"
            return self.accept(self.end_of_reapply)
        if method == "DELETE" and key.startswith(f"{VM}/extensions/".lower()):
            name = key.rsplit("/", 1)[1]
            left = [each for each in self.extensions if each[0].lower() != name]
            if left == self.extensions:
                return 204, None, {}
            self.deleted += 1
            self.extensions = [(each[0], each[1], "Deleting", "") if each not in left else each for each in self.extensions]
            return self.accept(lambda: setattr(self, "extensions", left))
        if method == "POST" and re.fullmatch(rf"{SUB}/providers/[^/]+/register", path):
            self.registered += 1
            self.registration = "Registering"
            return 200, {"registrationState": "Registering"}, {}
        lock = re.fullmatch(rf"(.+){LOCKS}/([^/]+)", path)
        if lock and method == "DELETE":
            left = [each for each in self.locks if (each[0].lower(), each[1].lower()) != (lock[1].lower(), lock[2].lower())]
            found, self.locks = left != self.locks, left
            self.unlocked += found
            return (200 if found else 204), None, {}
        if lock and method == "PUT":
            properties = json.loads(body)["properties"]
            assert set(properties) <= {"level", "notes"}, properties
            self.locks.append((lock[1], lock[2], properties["level"]))
            self.notes[lock[2]] = properties["notes"]
            return 201, self.lock(*self.locks[-1]), {}
        if method == "DELETE" and key == COLLECTION.lower():
            self.collection_is_there = False
            return self.accept(lambda: None)
        if (method, key) == ("PUT", ITEM.lower()):
            properties = json.loads(body)["properties"]
            assert properties["protectedItemType"] == "Microsoft.Compute/virtualMachines", properties
            assert properties["sourceResourceId"].lower() == VM.lower(), properties
            self.protection_state = properties.get("protectionState") or "Protected"
            assert (properties["policyId"] == "") == (self.protection_state == "ProtectionStopped"), properties
            return 202, None, {"Location": f"https://{HOST}{ITEM}/operationResults/put?api-version=2016-12-01", "Retry-After": "0"}
        if method == "POST" and key.endswith("/endgetaccess") and self.collection_is_there:
            self.exports.discard(path.rsplit("/", 1)[0])
            return self.accept(lambda: None)
        policies = re.fullmatch(rf"{KEY_VAULT}/accessPolicies/(add|replace|remove)", path)
        if policies and method == "PUT":
            return 200, self.change_key_access(policies[1], json.loads(body)["properties"]["accessPolicies"]), {}
        if method == "POST" and key.endswith("/cancel"):
            job = next(job for job in self.jobs if key == job["id"].lower() + "/cancel")
            self.cancelled += 1
            job["properties"]["status"] = "Cancelled"
            return 202, None, {"Location": f"https://{HOST}{job['id']}/operationResults/op?api-version=2016-12-01", "Retry-After": "0"}
        return self.refuse(400, "InvalidRequest", f"{method} {path} is nothing that the program may do")

    def change_key_access(self, operation, policies):
        for policy in policies:
            assert policy["tenantId"] == "t" * 8, policy
            rights = self.key_access.setdefault(policy["objectId"], {})
            for kind, names in policy["permissions"].items():
                had = set() if operation == "replace" else set(rights.get(kind, []))
                rights[kind] = sorted(had - set(names) if operation == "remove" else had | set(names))
            self.key_access[policy["objectId"]] = {kind: names for kind, names in rights.items() if names}
            if not any(rights.values()):
                del self.key_access[policy["objectId"]]
        return self.key_vault()

    def key_vault(self):
        return {"id": KEY_VAULT, "name": "keys", "location": "westeurope", "properties": {
            "tenantId": "t" * 8, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": False,
            "accessPolicies": [{"tenantId": "t" * 8, "objectId": name, "permissions": rights}
                               for name, rights in self.key_access.items()]}}

    def end_of_reapply(self):
        failed = any(state == "Failed" for _, _, state, _ in self.extensions)
        self.vm_state = "Failed" if failed else "Succeeded"

    def accept(self, at_its_end):
        """A long operation of Compute, whose two addresses are as long as Azure's."""
        name = f"op{len(self.operations)}"
        self.operations[name] = [self.operation_polls, at_its_end, self.operation_ends_with]
        place = f"https://{HOST}{SUB}/providers/Microsoft.Compute/locations/westeurope/operations/{name}"
        signed = "&t=1&c=" + "M" * 3000 + "&s=signature&h=hash"
        return 202, None, {"Azure-AsyncOperation": f"{place}?api-version=2025-04-01{signed}",
                           "Location": f"{place}?monitor=true&api-version=2025-04-01{signed}", "Retry-After": "0"}

    def operation_of_compute(self, name):
        operation = self.operations[name]
        operation[0] -= 1
        if operation[0] > 0:
            return {"name": name, "status": "InProgress"}
        if operation[2] == "Succeeded":
            operation[1]()
            return {"name": name, "status": "Succeeded"}
        self.vm_state = "Failed" if self.vm_state == "Updating" else self.vm_state
        return {"name": name, "status": operation[2], "error": {"code": "OperationPreempted", "message": "by another"}}

    def start_backup(self, body):
        """Two polls later the job has begun, and its snapshot is a recovery point. Both addresses are as long as Azure's."""
        assert body["properties"]["objectType"] == "IaasVMBackupRequest", body
        if self.refused_backup:
            return self.refuse(409, self.refused_backup)
        self.backups += 1
        self.polls_left = 2
        signed = "&t=1&c=" + "M" * 3000 + "&s=signature&h=hash"
        return 202, None, {"Azure-AsyncOperation": f"https://{HOST}{ITEM}/operationsStatus/op?api-version=2016-12-01{signed}",
                           "Location": f"https://{HOST}{ITEM}/operationResults/op?api-version=2016-12-01{signed}",
                           "Retry-After": "0"}

    def operation(self):
        self.polls_left -= 1
        if self.polls_left > 0:
            return {"id": "op", "name": "op", "status": "InProgress", "properties": None}
        errors = [{"errorCode": 400094, "errorString": "it broke"}] if self.backup_outcome == "Failed" else None
        state = "Failed" if errors else "InProgress"
        self.jobs.insert(0, self.job("job9", state, errors, isUserTriggered=True, startTime=ago(minutes=0)))
        return {"id": "op", "name": "op", "status": "Succeeded",
                "properties": {"objectType": "OperationStatusJobExtendedInfo", "jobId": "job9"}}

    def recovery_points(self):
        points = [("old", ago(days=1))] + ([("p9", ago(minutes=0))] if self.backups and self.backup_outcome == "Completed" else [])
        return [{"id": f"{ITEM}/recoveryPoints/{name}", "name": name, "properties": {
            "objectType": "IaasVMRecoveryPoint", "recoveryPointTime": made, "recoveryPointType": "FileSystemConsistent",
            "recoveryPointTierDetails": [{"type": "InstantRP", "status": "Valid"}],
            "keyAndSecret": {"bekDetails": {"secretData": "secret-key"}}}} for name, made in points]

    def page(self, path, query, rows):
        start = int(query.get("$skipToken", 0))
        answer = {"value": rows[start:start + self.page_size]}
        if start + self.page_size < len(rows):
            rest = urllib.parse.urlencode({**query, "$skipToken": start + self.page_size})
            host = self.foreign_next_link or HOST
            answer["nextLink"] = f"https://{host}{urllib.parse.quote(path)}?{rest}"
        return answer

    def route(self, method, path, query, body):
        key = path.lower()
        if method == "POST" and key.endswith("/backupstatus"):
            assert re.fullmatch(rf"{SUB}/providers/Microsoft.RecoveryServices/locations/westeurope/backupStatus", path), path
            asked = json.loads(body)
            assert asked == {"resourceType": "VM", "resourceId": VM}, asked
            if self.protection_state is None:
                return {"protectionStatus": "NotProtected"}
            return {"protectionStatus": "Protected", "vaultId": VAULT, "fabricName": "Azure", "containerName": CONTAINER,
                    "protectedItemName": ITEM.rsplit("/", 1)[1], "policyName": "DefaultPolicy"}
        if method == "POST" and key.endswith("/checkpolicyrestrictions"):
            assert json.loads(body)["resourceDetails"]["resourceContent"]["name"] == "AzureBackupRG_westeurope_1"
            return {"fieldRestrictions": [], "contentEvaluationResult": {"policyEvaluations": []}}
        assert method == "GET", method
        if key.endswith("/permissions"):
            return {"value": [{"actions": self.actions, "notActions": [], "dataActions": [], "notDataActions": []}]}
        if key == f"{SUB}{LOCKS}".lower():
            return self.page(path, query, [self.lock(*each) for each in self.locks])
        if re.search(rf"{LOCKS}/[^/]+$", path, re.IGNORECASE):
            return next((lock for lock in (self.lock(*each) for each in self.locks) if lock["id"].lower() == key), None)
        if key == f"{SUB}/providers/Microsoft.Compute/restorePointCollections".lower():
            return self.page(path, query, ([self.collection()] if self.collection_is_there else []) + [{**self.collection(), "id": COLLECTION + "2", "properties": {
                "source": {"id": VM + "2"}, "provisioningState": "Succeeded"}}])
        if key == COLLECTION.lower():
            assert query.get("$expand") == "restorePoints", query
            return self.collection(points=True)
        if re.fullmatch(rf"{SUB}/providers/[^/]+", path):
            versions = self.versions.get(path.rsplit("/", 1)[1].lower(), ["2016-09-01"])
            kinds = ["virtualMachines", "locations", "vaults", "locks", "restorePointCollections", "disks", "permissions"]
            return {"namespace": path.rsplit("/", 1)[1], "registrationState": self.registration,
                    "resourceTypes": [{"resourceType": kind, "apiVersions": versions} for kind in kinds]}
        if key == f"{ITEM}/operationsStatus/op".lower():
            return self.operation()
        if "/locations/westeurope/operations/" in key:
            return self.operation_of_compute(key.rsplit("/", 1)[1])
        if key.endswith(("/operationresults/op", "/operationresults/put")):
            return {}
        if key == f"{ITEM}/recoveryPoints".lower():
            dates = re.fullmatch(r"startDate eq '([^']+)' and endDate eq '([^']+)'", query["$filter"]).groups()
            assert all(time.strptime(each, "%Y-%m-%d %I:%M:%S %p") for each in dates)
            return self.page(path, query, self.recovery_points())
        if key == f"{VAULT}/backupJobs".lower():
            return self.page(path, query, self.jobs_in(query["$filter"]))
        if key.startswith(f"{VAULT}/backupJobs/".lower()):
            return next((job for job in self.jobs if job["id"].lower() == key), None)
        if key == f"{VAULT}/backupProtectedItems".lower():
            return self.page(path, query, [{**self.item(), "id": ITEM + "2", "properties": {"sourceResourceId": VM + "2"}},
                                           {**self.item(), "id": ITEM + "3", "properties": {}}, self.item()])
        if key == KEY_VAULT.lower() and self.key_vault_of_vm:
            return self.key_vault()
        known = {VM: self.vm, f"{VM}/instanceView": self.instance_view, ITEM: self.item, POLICY: self.policy, VAULT: self.vault,
                 DISK: self.disk, f"{VM}/extensions": lambda: self.page(path, query, self.extension_resources())}
        for place, answer in known.items():
            if key == place.lower():
                return answer()
        return None

    # ---- resources; secrets in them are what may never be kept

    def vm(self):
        return {"id": VM, "name": "vm1", "location": self.location, "tags": {"owner": "secret-tag"}, "properties": {
            "vmId": VM_UNIQUE_ID, "provisioningState": self.vm_state, "userData": "secret-user-data",
            "osProfile": {"adminUsername": "secret-admin", "allowExtensionOperations": True},
            "storageProfile": {"osDisk": {"osType": "Linux", "name": "os", "managedDisk": {"id": DISK}, **self.encryption()},
                               "dataDisks": []},
            "networkProfile": {"networkInterfaces": []}}}

    def encryption(self):
        if not self.key_vault_of_vm:
            return {}
        return {"encryptionSettings": {"enabled": True, "diskEncryptionKey": {
            "secretUrl": "https://secret-url", "sourceVault": {"id": self.key_vault_of_vm}}}}

    def instance_view(self):
        return {"computerName": "secret-name", "statuses": [status(f"ProvisioningState/{self.vm_state.lower()}"),
                                                            status("PowerState/running")],
                "vmAgent": {"vmAgentVersion": "2.7.3.0",
                            "statuses": [{**status("ProvisioningState/succeeded"), "displayStatus": "Ready"}]},
                "extensions": [{"name": name, "type": f"{publisher}.{name}",
                                "statuses": [status(f"ProvisioningState/{state.lower()}",
                                                    "Error" if state == "Failed" else "Info", message)]}
                               for name, publisher, state, message in self.extensions] + ([{
                                   "name": self.at_work, "type": f"Test.{self.at_work}",
                                   "statuses": [status("ProvisioningState/transitioning")]}] if self.at_work else [])}

    def extension_resources(self):
        return [{"name": name, "properties": {"publisher": publisher, "type": name, "provisioningState": state,
                                              "settings": {"key": "secret-setting"}}}
                for name, publisher, state, _ in self.extensions]

    def item(self):
        return {"id": ITEM, "properties": {
            "protectedItemType": "Microsoft.Compute/virtualMachines", "protectionState": self.protection_state,
            "sourceResourceId": VM, "virtualMachineId": VM, "policyId": POLICY if self.protection_state == "Protected" else "",
            "lastBackupStatus": "Completed", "lastBackupTime": ago(hours=4), "healthDetails": None}}

    def policy(self):
        return {"name": "DefaultPolicy", "properties": {"backupManagementType": "AzureIaasVM", "policyType": "V1",
                                                        "instantRpRetentionRangeInDays": 2}}

    def vault(self):
        return {"id": VAULT, "location": "westeurope", "properties": {"provisioningState": "Succeeded"}}

    def disk(self):
        return {"id": DISK, "sku": {"name": "Premium_LRS"}, "properties": {"maxShares": 1}}

    def collection(self, points=False):
        properties = {"source": {"id": VM, "location": "westeurope"}, "provisioningState": "Succeeded"}
        if points:
            properties["restorePoints"] = self.points
        return {"id": COLLECTION, "name": COLLECTION.rsplit("/", 1)[1], "properties": properties}

    @staticmethod
    def point(number, made):
        return {"name": f"AzureBackup_{number}", "properties": {
            "timeCreated": made, "provisioningState": "Succeeded",
            "sourceMetadata": {"vmId": VM_UNIQUE_ID, "userData": "secret-user-data", "storageProfile": {"osDisk": {
                "diskRestorePoint": {"id": f"{COLLECTION}/restorePoints/AzureBackup_{number}/diskRestorePoints/os"}}}}}}

    def lock(self, scope, name, level):
        owners = {"owners": [{"applicationId": "secret-application"}]} if name in self.managed else {}
        return {"id": f"{scope}{LOCKS}/{name}", "name": name, "properties": {
            "level": level, "notes": self.notes.get(name, "kept"), **owners}}

    @staticmethod
    def job(number, state, errors=None, tasks=(("Take Snapshot", "Completed"),), **more):
        return {"id": f"{VAULT}/backupJobs/{number}", "properties": {
            "jobType": "AzureIaaSVMJob", "operation": "Backup", "status": state, "startTime": ago(hours=4), "endTime": ago(hours=3),
            "entityFriendlyName": "vm1", "containerName": "iaasvmcontainerv2;rg1;vm1", "isUserTriggered": False,
            "backupManagementType": "AzureIaasVM", "actionsInfo": [], "activityId": "secret-activity",
            "errorDetails": errors, "extendedInfo": {
                "tasksList": [{"taskId": name, "status": word} for name, word in tasks],
                "propertyBag": {"VM Name": "secret-bag"}}, **more}}

    def jobs_in(self, wanted):
        """The filter as Azure Backup has it: dates on a clock of twelve hours, "eq" for both ends."""
        found = re.fullmatch(r"startTime eq '([^']+)' and endTime eq '([^']+)' and operation eq 'Backup' and "
                             r"backupManagementType eq 'AzureIaasVM'", wanted)
        assert found, wanted
        begin, end = (time.strptime(each, "%Y-%m-%d %I:%M:%S %p") for each in found.groups())
        assert begin < end, wanted
        return [job for job in self.jobs
                if begin <= time.strptime(job["properties"]["startTime"][:19], "%Y-%m-%dT%H:%M:%S") <= end]
