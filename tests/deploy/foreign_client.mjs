// Sends resources with Azure's own SDK for JavaScript, for foreign_test.py.
//   node foreign_client.mjs FOLDER_OF_PACKAGES URL SUBSCRIPTION < [{"kind": ..., "names": [...], "body": {...}}, ...]
// A body becomes the SDK's model and that becomes what is sent, so a property that the SDK does not know is lost on the way.
// {"kind": "instanceView", "names": [group, vm]} reads. Prints what each call answered, as one list of JSON.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [packages, endpoint, subscription] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(path.resolve(packages, "node_modules/@azure", file)));
const { ComputeManagementClient } = await load("arm-compute/dist/esm/index.js");
const { PolicyClient } = await load("arm-policy/dist/esm/index.js");
const compute = { ...await load("arm-compute/dist/esm/models/compute/models.js"),
    ...await load("arm-compute/dist/esm/models/computeGallery/models.js") };

const credential = { getToken: async () => ({ token: "the-token", expiresOnTimestamp: Date.now() + 3600000 }) };
const vms = new ComputeManagementClient(credential, subscription, { endpoint });
const policies = new PolicyClient(credential, subscription, { endpoint });

const kinds = {
    extension: [compute.virtualMachineExtensionDeserializer, (...words) => vms.virtualMachineExtensions.createOrUpdate(...words)],
    runCommand: [compute.virtualMachineRunCommandDeserializer, (...words) => vms.virtualMachineRunCommands.createOrUpdate(...words)],
    application: [compute.galleryApplicationDeserializer, (...words) => vms.galleryApplications.createOrUpdate(...words)],
    applicationVersion: [compute.galleryApplicationVersionDeserializer,
        (...words) => vms.galleryApplicationVersions.createOrUpdate(...words)],
    policyDefinition: [(body) => body.properties, (...words) => policies.policyDefinitions.createOrUpdate(...words)],
    policySetDefinition: [(body) => body.properties, (...words) => policies.policySetDefinitions.createOrUpdate(...words)],
    instanceView: [() => undefined, (...words) => vms.virtualMachines.instanceView(...words)],
};

const answers = [];
for (const { kind, names, body } of JSON.parse(fs.readFileSync(0, "utf8"))) {
    const [toModel, send] = kinds[kind];
    const model = toModel(body);
    answers.push(await send(...names, ...(model === undefined ? [] : [model])));
}
console.log(JSON.stringify(answers));
