#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/python_interpreters.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_python_too_new {

using machine::Machine;
using machine::Path;

namespace {

constexpr auto no_module_line = "No module named ";
constexpr auto exit_1_line = "1 returned from handle.py";

/// Modules of the standard library that are gone, and since which version of Python 3 (PEP 632, PEP 594).
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

/// The files that every start of the extension imports and in which such modules were used.
constexpr const char* sources[] = {"main/WaagentLib.py", "main/Utils/WAAgentUtil.py", "main/Utils/HandlerUtil.py"};

const RemovedModule* removed_module(std::string_view name, const PythonVersion& python) {
    const auto found = std::ranges::find(removed_modules, name.substr(0, name.find('.')), &RemovedModule::name);
    const bool gone = found != std::end(removed_modules) && python.major == 3 && python.minor >= found->removed_in;
    return gone ? found : nullptr;
}

/// "import x" or "from x import y" in column 1: there no exception is caught.
std::optional<std::string_view> imported_module(std::string_view line) {
    for (const std::string_view keyword : {"import ", "from "}) {
        if (!line.starts_with(keyword)) continue;
        line.remove_prefix(keyword.size());
        return line.substr(0, line.find_first_of(" .,;\t\r#"));
    }
    return std::nullopt;
}

/// Whether a package of the distribution puts a removed module back (setuptools does for distutils).
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

struct UnguardedImport {
    Evidence evidence;
    std::string module;
};

std::vector<UnguardedImport> impossible_imports(const Machine& machine, const Path& folder,
                                                const PythonVersion& python) {
    std::vector<UnguardedImport> found;
    for (const auto* source : sources) {
        const auto text = machine.files().read(folder + "/" + source);
        if (!text) continue;
        std::string_view rest = *text;
        for (std::size_t number = 1; !rest.empty(); ++number) {
            const auto line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            // What is indented lies in a try block or in a function that is not called.
            const auto module = imported_module(line);
            const auto* removed = module ? removed_module(*module, python) : nullptr;
            if (!removed || is_provided(machine, removed->name, python)) continue;
            const auto seen = std::ranges::find(found, removed->name, &UnguardedImport::module);
            if (seen != found.end()) continue;
            found.push_back({{fmt::format("{}/{}:{}", folder, source, number), std::string(line.substr(0, 200)),
                              fmt::format("no module that Python 3.{} removed", removed->removed_in)},
                             std::string(removed->name)});
        }
    }
    return found;
}

/// The module a traceback's last line names: No module named 'imp'.
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
    // handle.sh goes on to the next one when one fails: the extension starts if any of them suits it.
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

/// What else newer versions of Python took away, as they say it.
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

std::vector<Testimony> testimonies() {
    std::vector<Testimony> all;
    for (const auto& module : removed_modules) {
        for (const auto log : {Log::commands, Log::agent}) {
            all.push_back({.line = {log, fmt::format("No module named '{}'", module.name)}});
        }
    }
    for (const auto* text : removed_names) {
        for (const auto log : {Log::commands, Log::extension}) all.push_back({.line = {log, text}});
    }
    return all;
}

}  // namespace

extern const Remediation remediation{
    .id = "extension-python-too-new",
    .title = "The backup extension is too old for this machine's Python",
    .layer = Layer::backup_extension,
    .scope = Scope::linux,
    .error_codes = {"400039", "GuestAgentSnapshotTaskStatusError", "UserErrorVmProvisioningStateFailed",
                    "VMExtensionProvisioningError", "ExtensionOperationFailedForManagedDisks", "1009"},
    .disruption = Disruption::none,
    .explanation =
        "Python 3.12 dropped imp and distutils, Python 3.13 crypt and others. A version of the extension that still "
        "imports one of them ends at once, before it can log or report anything; the vault sees only that no status "
        "came. Only another version of the extension, or another Python, helps.",
    .source = "https://github.com/Azure/azure-linux-extensions/pull/2177",
    .log_lines = {{Log::commands, no_module_line}, {Log::agent, no_module_line}, {Log::extension_shell, exit_1_line}},
    .testimonies = testimonies(),
    .consequences = {"extension-error", "backup-extension-state"},
    .diagnose = diagnose,
};

}  // namespace remediations::causes::extension_python_too_new
