#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/python_imports.hpp"
#include "remediations/knowledge/extension/python_interpreters.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_python_too_new {

using machine::Machine;
using machine::Path;

namespace {

constexpr auto no_module_line = "No module named ";
constexpr auto exit_1_line = "1 returned from handle.py";

/// A removed module of the standard library, and the version of Python 3 that removed it (PEP 632, PEP 594).
struct RemovedModule {
    std::string_view name;
    int removed_in;
};
constexpr RemovedModule removed_modules[] = {
    {"imp", 12},    {"distutils", 12}, {"asyncore", 12},  {"asynchat", 12}, {"smtpd", 12}, {"crypt", 13},
    {"cgi", 13},    {"pipes", 13},     {"telnetlib", 13}, {"uu", 13},       {"nis", 13},   {"spwd", 13},
    {"xdrlib", 13}, {"imghdr", 13},    {"sndhdr", 13},    {"mailcap", 13},
};
constexpr int first_removal = 12;

/// The first sources that every start of the extension loads. WaagentLib.py is loaded by its path; the others import it
/// and each other.
constexpr const char* first_sources[] = {"handle.py", "WaagentLib.py", "Utils/WAAgentUtil.py", "Utils/HandlerUtil.py"};
constexpr std::size_t most_sources = 60;

const RemovedModule* removed_module(std::string_view name, const PythonVersion& python) {
    const auto found = std::ranges::find(removed_modules, name.substr(0, name.find('.')), &RemovedModule::name);
    const bool gone = found != std::end(removed_modules) && python.major == 3 && python.minor >= found->removed_in;
    return gone ? found : nullptr;
}

/// Returns true if a package of the distribution provides a removed module (setuptools does for distutils).
bool is_provided(const Machine& machine, std::string_view module, const PythonVersion& python) {
    const auto version = fmt::format("python{}.{}", python.major, python.minor);
    const std::string folders[] = {"/usr/lib/" + version,
                                   "/usr/lib64/" + version,
                                   "/usr/local/lib/" + version,
                                   "/usr/lib/python3/dist-packages",
                                   "/usr/lib/" + version + "/site-packages",
                                   "/usr/lib64/" + version + "/site-packages",
                                   "/usr/local/lib/" + version + "/dist-packages",
                                   "/usr/local/lib/" + version + "/site-packages"};
    const auto exists = [&](const std::string& path) { return machine.files().status(path).has_value(); };
    return std::ranges::any_of(folders, [&](const std::string& folder) {
        return exists(fmt::format("{}/{}.py", folder, module)) ||
               exists(fmt::format("{}/{}/__init__.py", folder, module)) ||
               (module == "distutils" && exists(folder + "/distutils-precedence.pth"));
    });
}

struct ImpossibleImport {
    Evidence evidence;
    std::string module;
};

/// Returns the files of main/ that an import may load: "Utils/HandlerUtil.py" for "from Utils import HandlerUtil".
std::vector<std::string> own_sources_of(const PythonImport& import) {
    auto path = import.module;
    std::ranges::replace(path, '.', '/');
    std::vector<std::string> files{path + ".py"};
    for (const auto& name : import.names) files.push_back(fmt::format("{}/{}.py", path, name));
    return files;
}

/// Returns the imports of modules that this Python no longer has, in all sources that a start of the extension loads.
std::vector<ImpossibleImport> impossible_imports(const Machine& machine, const Path& folder,
                                                 const PythonVersion& python) {
    std::vector<ImpossibleImport> found;
    std::vector<std::string> sources(std::begin(first_sources), std::end(first_sources));
    for (std::size_t index = 0; index < sources.size(); ++index) {
        const auto path = fmt::format("{}/main/{}", folder, sources[index]);
        const auto text = machine.files().read(path);
        if (!text) continue;
        for (const auto& import : unguarded_imports(*text)) {
            for (auto& file : own_sources_of(import)) {
                const bool is_known = std::ranges::find(sources, file) != sources.end();
                if (!is_known && sources.size() < most_sources) sources.push_back(std::move(file));
            }
            const auto* removed = removed_module(import.module, python);
            if (!removed || is_provided(machine, removed->name, python)) continue;
            if (std::ranges::find(found, removed->name, &ImpossibleImport::module) != found.end()) continue;
            found.push_back({{fmt::format("{}:{}", path, import.line), printable(import.text),
                              fmt::format("no module that Python 3.{} removed", removed->removed_in)},
                             std::string(removed->name)});
        }
    }
    return found;
}

/// Returns the module in the last line of a traceback: No module named 'imp'.
std::string_view named_module(std::string_view line) {
    const auto start = line.find(no_module_line);
    if (start == std::string_view::npos) return {};
    line.remove_prefix(start + std::string_view(no_module_line).size());
    line.remove_prefix(std::min(line.find_first_not_of("'\""), line.size()));
    return line.substr(0, line.find_first_of("'\" ;."));
}

Finding diagnose(const Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    const auto* folder = version_in_use(*installed);
    if (!folder) return Finding::not_applicable("The backup extension is not installed yet.");
    const auto script = machine.files().read(folder->path + "/main/handle.sh");
    const auto pythons = find_pythons(machine, python_search_of(script ? *script : std::string()));
    if (!pythons) return Finding::unknown("/usr/bin", pythons.error());
    // handle.sh tries the next one when one fails: the extension starts if any of them suits it.
    const auto is_too_old_to_say = [](const PythonInterpreter& python) {
        return !python.version || *python.version < PythonVersion{3, first_removal};
    };
    if (pythons->empty() || std::ranges::any_of(*pythons, is_too_old_to_say)) {
        return Finding::healthy("The backup extension can use a Python that still has all modules it needs.");
    }
    const auto& python = pythons->front();
    const auto imports = impossible_imports(machine, folder->path, *python.version);
    if (imports.empty()) {
        return Finding::healthy(fmt::format("Version {} of the backup extension can start with Python {}.{}.",
                                            folder->version, python.version->major, python.version->minor));
    }
    std::vector<Evidence> evidence{{python.path,
                                    fmt::format("Python {}.{}", python.version->major, python.version->minor),
                                    "a version that the extension can start with"}};
    std::vector<std::string> modules;
    for (const auto& import : imports) {
        evidence.push_back(import.evidence);
        modules.push_back(import.module);
    }
    const auto& logs = machine.derived<LogEvidence>();
    for (const auto log : {Log::commands, Log::agent}) {
        const auto* line = logs.find_current(log, no_module_line);
        if (!line || !removed_module(named_module(line->newest.text), *python.version)) continue;
        evidence.push_back(line->newest.evidence("no such error"));
        break;
    }
    if (const auto* line = logs.find_current(Log::extension_shell, exit_1_line)) {
        evidence.push_back(line->newest.evidence("0 returned from handle.py"));
    }
    return Finding::needs_operator(
        fmt::format("Version {} of the backup extension needs {}, which Python {}.{} no longer has, and cannot start.",
                    folder->version, fmt::join(modules, " and "), python.version->major, python.version->minor),
        std::move(evidence),
        fmt::format(
            "Let Azure install a newer version of the extension: delete it with az vm extension delete "
            "--resource-group <group> --vm-name <vm> --name VMSnapshotLinux and back up again. If that brings {} "
            "again, install an older Python beside this one under a name that the extension tries first (python3.8 or "
            "python2.7), or the distribution's replacement for the modules (on Debian and Ubuntu python3-setuptools "
            "and python3-zombie-imp), until a newer version is published.",
            folder->version));
}

/// Error texts for other things that newer versions of Python removed.
constexpr const char* removed_names[] = {
    "module 'platform' has no attribute",
    "has no attribute 'isAlive'",
    "has no attribute 'decodestring'",
    "has no attribute 'encodestring'",
    "has no attribute 'readfp'",
    "has no attribute 'SafeConfigParser'",
    "module 'ssl' has no attribute 'wrap_socket'",
    "module 'inspect' has no attribute 'getargspec'",
    "module 'collections' has no attribute",
    "from 'collections' (",
    "Missing parentheses in call to 'print'",
};

std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto& module : removed_modules) {
        for (const auto log : {Log::commands, Log::agent}) {
            all.push_back(proof(log, fmt::format("No module named '{}'", module.name)));
        }
    }
    for (const auto* text : removed_names) {
        for (const auto log : {Log::commands, Log::extension}) all.push_back(proof(log, text));
    }
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-python-too-new",
        .title = "The backup extension is too old for this machine's Python",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"400039", "GuestAgentSnapshotTaskStatusError", "UserErrorVmProvisioningStateFailed",
                        "VMExtensionProvisioningError", "ExtensionOperationFailedForManagedDisks", "1009"},
        .disruption = Disruption::none,
        .explanation =
            "Python 3.12 dropped imp and distutils, Python 3.13 crypt and others. A version of the extension that "
            "still imports one of them ends at once, before it can log or report anything; the vault sees only that no "
            "status came. Only another version of the extension, or another Python, helps.",
        .source = "https://github.com/Azure/azure-linux-extensions/pull/2177",
        .signals = joined({{judged(Log::commands, no_module_line), judged(Log::agent, no_module_line),
                            judged(Log::extension_shell, exit_1_line)},
                           proofs()}),
        .consequences = {"extension-error", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extension_python_too_new
