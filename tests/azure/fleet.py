"""A vault with many VMs, as Resource Manager shows it; the rules are those of cloud.py."""

import re
import threading
import urllib.parse

import cloud

VAULT = cloud.VAULT


def group_of(number):
    return f"rg{number % 10}"


def vm_id(number):
    return f"{cloud.SUB}/resourceGroups/{group_of(number)}/providers/Microsoft.Compute/virtualMachines/vm{number:04}"


def container(number):
    return f"iaasvmcontainerv2;{group_of(number)};vm{number:04}"


def item_id(number):
    return (f"{VAULT}/backupFabrics/Azure/protectionContainers/IaasVMContainer;{container(number)}/protectedItems/"
            f"VM;{container(number)}")


class Fleet(cloud.Cloud):
    """`faults` says what ails a VM, by its number: see add_fault(). All others are well."""

    def __init__(self, folder, count):
        self.numbers = range(1, count + 1)
        self.faults = {}
        self.hidden = set()  # numbers of VMs that the caller may not see
        self.running = set()  # numbers of VMs that are backed up now
        self.gone = set()  # numbers of VMs that exist no more
        self.days_of_jobs = 7
        self.silence = 0  # after so many requests, HTTP 429 once
        self.counted = threading.Lock()
        super().__init__(folder)
        self.page_size = 200

    def add_fault(self, number, error=None, days=3, state="Failed", protection="Protected", extension="Succeeded",
                  points=1, health=None, name=None):
        """error: of the jobs of the last `days` days, an errorDetails entry."""
        self.faults[number] = {"error": error, "days": days, "state": state, "protection": protection,
                               "extension": extension, "points": points, "health": health, "name": name}

    def answer_arm(self, request, body):
        path = urllib.parse.unquote(urllib.parse.urlsplit(request.path).path)
        with self.counted:
            self.silence -= 1
            is_silent = self.silence == 0
        if is_silent:
            self.requests.append((request.headers.get("Host"), request.command, path, {}, body))
            return *self.refuse(429, "TooManyRequests")[:2], {"Retry-After": "2"}
        found = self.number_in(path)
        if found in self.hidden and "/microsoft.compute/" in path.lower():
            self.requests.append((request.headers.get("Host"), request.command, path, {}, body))
            return self.refuse(403, "AuthorizationFailed", "The client 'x' does not have authorization")
        return super().answer_arm(request, body)

    @staticmethod
    def number_in(path):
        found = re.search(r"/virtualMachines/vm(\d{4})(?:/|$)", path, re.IGNORECASE)
        return int(found.group(1)) if found else None

    def route(self, method, path, query, body):
        key = path.lower()
        if method == "GET" and key == f"{VAULT}/backupProtectedItems".lower():
            assert query["$filter"] == "backupManagementType eq 'AzureIaasVM' and itemType eq 'VM'", query
            return self.page(path, query, [self.item_of(number) for number in self.numbers])
        if method == "GET" and key == f"{VAULT}/backupJobs".lower():
            if "$skipToken" not in query:
                self.jobs = self.all_jobs()
                self.listed_jobs = self.jobs_in(query["$filter"])
            return self.page(path, query, self.listed_jobs)
        if method == "GET" and key.startswith(f"{VAULT}/backupJobs/".lower()):
            number, day = key.rsplit("/", 1)[1].split("-")[1:]
            if day == "now":
                return next(job for job in self.all_jobs() if job["id"].lower() == key)
            return self.job_of(int(number), int(day))
        if method == "GET" and key == f"{cloud.SUB}/providers/Microsoft.Compute/restorePointCollections".lower():
            return self.page(path, query, [self.collection_of(number) for number in self.numbers])
        if method == "GET" and "/restorepointcollections/azurebackup_vm" in key:
            assert query.get("$expand") == "restorePoints", query
            return self.collection_of(int(key.rsplit("_", 2)[1].removeprefix("vm")), points=True)
        number = self.number_in(path)
        if number is None or method != "GET":
            return super().route(method, path, query, body)
        if number in self.gone:
            return None
        fault = self.faults.get(number, {})
        extension = fault.get("extension", "Succeeded")
        self.extensions = [("VMSnapshotLinux", "Microsoft.Azure.RecoveryServices", extension, "")]
        if key == vm_id(number).lower():
            return {**self.vm(), "id": vm_id(number), "name": f"vm{number:04}"}
        if key.endswith("/instanceview"):
            return self.instance_view()
        if key.endswith("/extensions"):
            return self.page(path, query, self.extension_resources())
        return super().route(method, path, query, body)

    def item_of(self, number):
        fault = self.faults.get(number, {})
        protection = fault.get("protection", "Protected")
        return {"id": item_id(number), "properties": {
            "protectedItemType": "Microsoft.Compute/virtualMachines", "protectionState": protection,
            "sourceResourceId": vm_id(number), "policyId": cloud.POLICY if protection == "Protected" else "",
            "lastBackupStatus": "Failed" if fault.get("error") else "Completed", "lastBackupTime": cloud.ago(hours=4),
            "lastRecoveryPoint": cloud.ago(days=fault.get("days", 0), hours=4), "friendlyName": "secret-name",
            "healthStatus": "ActionRequired" if fault.get("health") else "Passed",
            "healthDetails": [{"code": 1, "title": "health", "message": fault["health"]}] if fault.get("health") else None}}

    def job_of(self, number, day):
        fault = self.faults.get(number, {})
        is_bad = fault.get("error") and day < fault["days"]
        state = fault["state"] if is_bad else "Completed"
        job = self.job(f"job-{number}-{day}", state, [fault["error"]] if is_bad else None,
                       startTime=cloud.ago(days=day, hours=4), containerName=container(number))
        job["properties"]["entityFriendlyName"] = f"vm{number:04}"
        return job

    def all_jobs(self):
        now = [{**self.job_of(number, 0), "id": f"{VAULT}/backupJobs/job-{number}-now"} for number in self.running]
        for job in now:
            job["properties"] |= {"status": "InProgress", "startTime": cloud.ago(minutes=2), "endTime": None, "errorDetails": None}
        return now + [self.job_of(number, day) for day in range(self.days_of_jobs) for number in self.numbers]

    def collection_of(self, number, points=False):
        properties = {"source": {"id": vm_id(number), "location": "westeurope"}, "provisioningState": "Succeeded"}
        count = self.faults.get(number, {}).get("points", 1)
        if points:
            properties["restorePoints"] = [self.point(each, cloud.ago(days=each + 1)) for each in range(count)]
        return {"id": f"{cloud.COLLECTION.rsplit('/', 1)[0]}/AzureBackup_vm{number:04}_1", "properties": properties}
