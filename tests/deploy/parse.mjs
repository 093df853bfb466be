// Parses Bicep, PowerShell and KQL with the grammars of the packages in package.json, for syntax_test.py.
//   node parse.mjs FOLDER_OF_PACKAGES < {"bicep": {name: text}, "powershell": {name: text},
//                                        "kql": {name: {"text": text, "tables": {table: "(column: type, ...)"}}}}
// Prints {"problems": ["name:line:column: what"], "bicep": {name: what it declares}}.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

const packages = path.resolve(process.argv[2], "node_modules");
const input = JSON.parse(fs.readFileSync(0, "utf8"));
const output = { problems: [], bicep: {} };

const treeSitter = await import(pathToFileURL(path.join(packages, "web-tree-sitter/web-tree-sitter.js")));
await treeSitter.Parser.init();

async function trees(language, texts) {
    const parser = new treeSitter.Parser();
    parser.setLanguage(await treeSitter.Language.load(
        path.join(packages, `tree-sitter-${language}/tree-sitter-${language}.wasm`)));
    return Object.entries(texts ?? {}).map(([name, text]) => [name, parser.parse(text).rootNode]);
}

function reportErrors(name, node) {
    if (node.isError || node.isMissing) {
        const { row, column } = node.startPosition;
        output.problems.push(`${name}:${row + 1}:${column + 1}: ${node.isMissing ? `${node.type} is missing` :
            `cannot be parsed: ${node.text.slice(0, 60)}`}`);
    } else if (node.hasError) {
        for (const child of node.children) reportErrors(name, child);
    }
}

/// The value of a Bicep expression, or its text where it is none that is known before a deployment.
function bicepValue(node) {
    const text = node.text;
    if (node.type === "string") return text.slice(1, -1).replace(/\\(.)/g, "$1");
    if (node.type === "boolean") return text === "true";
    if (node.type === "number") return Number(text);
    if (node.type === "array") return node.namedChildren.map(bicepValue);
    if (node.type === "object") {
        return Object.fromEntries(node.namedChildren.filter((child) => child.type === "object_property")
            .map((child) => [child.namedChildren[0].text.replace(/^'|'$/g, ""), bicepValue(child.namedChildren.at(-1))]));
    }
    return { expression: text };
}

function bicepDeclarations(root) {
    const found = { parameters: {}, variables: {}, resources: [] };
    let decorators = {};
    for (const node of root.namedChildren) {
        if (node.type === "decorators") {
            for (const decorator of node.namedChildren) {
                const call = decorator.namedChildren[0];
                const argument = call.namedChildren.at(-1).namedChildren[0];
                decorators[call.namedChildren[0].text] = argument ? bicepValue(argument) : true;
            }
            continue;
        }
        const [first, second, third] = node.namedChildren;
        if (node.type === "parameter_declaration") {
            found.parameters[first.text] = { type: second.text, ...decorators, ...(third && { default: bicepValue(third) }) };
        } else if (node.type === "variable_declaration") {
            found.variables[first.text] = bicepValue(second);
        } else if (node.type === "resource_declaration") {
            found.resources.push({ type: bicepValue(second), existing: /^resource \w+ '[^']*' existing/.test(node.text),
                body: bicepValue(node.namedChildren.at(-1)) });
        }
        decorators = {};
    }
    return found;
}

function kqlProblems(queries) {
    const require = createRequire(import.meta.url);
    globalThis.self = globalThis;
    for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
        vm.runInThisContext(require("node:fs").readFileSync(path.join(packages, "@kusto/language-service-next", file), "utf8"));
    }
    const { Kusto, Bridge } = globalThis;
    const symbols = Kusto.Language.Symbols;
    for (const [name, { text, tables }] of Object.entries(queries)) {
        const symbolsOfTables = Object.entries(tables).map(
            ([table, columns]) => symbols.TableSymbol.From(columns).WithName(table));
        const database = new symbols.DatabaseSymbol.$ctor1("db", symbolsOfTables);
        const globals = Kusto.Language.GlobalState.Default.WithDatabase(database);
        const code = Kusto.Language.KustoCode.ParseAndAnalyze(text, globals);
        for (const diagnostic of Bridge.toArray(code.GetDiagnostics())) {
            const line = text.slice(0, diagnostic.Start).split("\n").length;
            output.problems.push(`${name}:${line}: ${diagnostic.Severity}: ${diagnostic.Message}`);
        }
    }
}

for (const [name, root] of await trees("bicep", input.bicep)) {
    reportErrors(name, root);
    output.bicep[name] = bicepDeclarations(root);
}
for (const [name, root] of await trees("powershell", input.powershell)) reportErrors(name, root);
if (input.kql) kqlProblems(input.kql);
console.log(JSON.stringify(output));
