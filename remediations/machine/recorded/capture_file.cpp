// A capture on disk: facts.json and files/. The format is described in README.md here.
#include <fmt/format.h>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <fstream>
#include <iterator>

#include "remediations/machine/clock_time.hpp"
#include "remediations/machine/local/durable_file.hpp"
#include "remediations/machine/recorded/capture_content.hpp"
#include "remediations/machine/recorded/redact.hpp"
#include "remediations/machine/registry_json.hpp"
#include "remediations/machine/utf8.hpp"

namespace machine {

BOOST_DESCRIBE_ENUM(ErrorKind, not_found, access_denied, timed_out, refused, unreachable, invalid, too_large,
                    not_captured, unsupported, failed)
BOOST_DESCRIBE_STRUCT(Error, (), (kind, message, code))
BOOST_DESCRIBE_ENUM(Platform, linux, windows)
BOOST_DESCRIBE_ENUM(ServiceState, running, stopped, starting, stopping, failed)
BOOST_DESCRIBE_ENUM(StartType, automatic, manual, disabled)
BOOST_DESCRIBE_STRUCT(Service, (),
                      (name, state, start, delayed, account, binary, exit_code, pid, depends_on, restarts,
                       restart_count))
BOOST_DESCRIBE_STRUCT(CommandOutput, (), (exit_code, out, err))
BOOST_DESCRIBE_STRUCT(Mount, (), (source, target, type, options, device, root))
BOOST_DESCRIBE_STRUCT(HttpResponse, (), (status, body, date))
BOOST_DESCRIBE_STRUCT(NetworkInterface, (), (name, mac, up, addresses))
BOOST_DESCRIBE_STRUCT(Space, (), (total_bytes, free_bytes, total_inodes, free_inodes))
BOOST_DESCRIBE_ENUM(FileKind, regular, directory, symlink, other)
BOOST_DESCRIBE_STRUCT(AzureAccess, (), (identity, is_of_vm, cloud, vm_id, location, vault_id))
BOOST_DESCRIBE_STRUCT(ArmAnswer, (), (status, body, code, message, correlation_id))

}  // namespace machine

namespace machine::recorded {

namespace json = boost::json;
using std::filesystem::path;

BOOST_DESCRIBE_ENUM(Section, files, services, registry, processes, commands, network, events, certificates, wmi, azure)

namespace {

constexpr int schema = 1;
constexpr std::size_t file_limit = std::size_t{64} << 20;

/// Types whose JSON differs from that of their members. Times are seconds since 1970.
struct StoredSystem {
    Platform platform{};
    std::string os_name, os_version, architecture, host_name, system_drive;
    std::int64_t now = 0;
};
BOOST_DESCRIBE_STRUCT(StoredSystem, (), (platform, os_name, os_version, architecture, host_name, system_drive, now))

struct StoredStatus {
    FileKind kind{};
    std::uint64_t size = 0;
    std::uint32_t mode = 0, uid = 0, gid = 0;
    std::int64_t modified = 0;
};
BOOST_DESCRIBE_STRUCT(StoredStatus, (), (kind, size, mode, uid, gid, modified))

struct StoredProcess {
    std::uint32_t pid = 0, parent = 0;
    std::string name;
    std::vector<std::string> command_line;
    std::int64_t started = 0;
    std::string blocked_in;
    bool not_of_system = false;
    json::value modules;  ///< null where nobody asked
};
BOOST_DESCRIBE_STRUCT(StoredProcess, (), (pid, parent, name, command_line, started, blocked_in, not_of_system, modules))

struct StoredEvent {
    std::string channel, provider;
    std::uint32_t id = 0;
    std::int64_t time = 0;
    std::vector<std::string> data;
    std::uint8_t level = 0;
};
BOOST_DESCRIBE_STRUCT(StoredEvent, (), (channel, provider, id, time, data, level))

struct CertificateFacts {
    std::string thumbprint, subject, issuer, friendly_name;
    std::int64_t not_before = 0, not_after = 0;
    bool has_private_key = false;
    Path key_file;
};
BOOST_DESCRIBE_STRUCT(CertificateFacts, (),
                      (thumbprint, subject, issuer, friendly_name, not_before, not_after, has_private_key, key_file))

struct StoredVersion {
    std::string number = "0.0.0.0";
    std::string company, product;
};
BOOST_DESCRIBE_STRUCT(StoredVersion, (), (number, company, product))

std::int64_t seconds_of(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::chrono::system_clock::time_point time_of(std::int64_t seconds) {
    return time_after_1970(std::chrono::seconds(seconds));
}

StoredStatus stored(const FileStatus& status) {
    return {status.kind, status.size, status.mode, status.uid, status.gid, seconds_of(status.modified)};
}

FileStatus restored(const StoredStatus& status) {
    return {status.kind, status.size, status.mode, status.uid, status.gid, time_of(status.modified)};
}

StoredProcess stored(const Process& process) {
    return {process.pid,        process.parent,     process.name, process.command_line, seconds_of(process.started),
            process.blocked_in, !process.of_system, nullptr};
}

Process restored(StoredProcess process) {
    return {process.pid,
            process.parent,
            std::move(process.name),
            std::move(process.command_line),
            time_of(process.started),
            std::move(process.blocked_in),
            !process.not_of_system};
}

StoredEvent stored(const Event& event) {
    return {event.channel, event.provider, event.id, seconds_of(event.time), event.data, event.level};
}

Event restored(StoredEvent event) {
    return {std::move(event.channel), std::move(event.provider), event.id,
            time_of(event.time),      std::move(event.data),     event.level};
}

CertificateFacts stored(const StoredCertificate& certificate) {
    return {certificate.thumbprint,
            certificate.subject,
            certificate.issuer,
            certificate.friendly_name,
            seconds_of(certificate.not_before),
            seconds_of(certificate.not_after),
            certificate.has_private_key,
            certificate.key_file};
}

StoredCertificate restored(CertificateFacts facts) {
    return {std::move(facts.thumbprint),    std::move(facts.subject),  std::move(facts.issuer),
            std::move(facts.friendly_name), time_of(facts.not_before), time_of(facts.not_after),
            facts.has_private_key,          std::move(facts.key_file)};
}

StoredVersion stored(const FileVersion& version) {
    return {fmt::format("{}", fmt::join(version.number, ".")), version.company, version.product};
}

/// Returns nullopt unless the number has the form 10.0.20348.1.
std::optional<FileVersion> restored(StoredVersion stored) {
    FileVersion version{{}, std::move(stored.company), std::move(stored.product)};
    const auto* at = stored.number.data();
    const auto* const end = at + stored.number.size();
    for (auto& part : version.number) {
        if (&part != version.number.data() && (at == end || *at++ != '.')) return std::nullopt;
        const auto [next, error] = std::from_chars(at, end, part);
        if (error != std::errc()) return std::nullopt;
        at = next;
    }
    return at == end ? std::optional(std::move(version)) : std::nullopt;
}

/// Returns files/etc/waagent.conf for /etc/waagent.conf, files/C/x for C:\x. Empty where the name on disk would be
/// outside the folder.
path place_of(const Path& machine_path) {
    path place("files");
    std::string part;
    for (const char c : machine_path + "/") {
        if (c == ':') continue;
        if (c != '/' && c != '\\') {
            part += c;
            continue;
        }
        if (part == "..") return {};
        if (!part.empty()) place /= part;
        part.clear();
    }
    return place;
}

// ---- writing

json::value error_to_json(const Error& error) {
    return {{"error", json::value_from(error)}};
}

template <class T>
json::value to_json(const Result<T>& answer) {
    return answer ? json::value_from(*answer) : error_to_json(answer.error());
}

json::value to_json(const Result<FileStatus>& answer) {
    return answer ? json::value_from(stored(*answer)) : error_to_json(answer.error());
}

json::value to_json(const Result<RegistryValue>& answer) {
    return answer ? machine::to_json(*answer) : error_to_json(answer.error());
}

json::value to_json(const Result<void>& answer) {
    return answer ? json::value(nullptr) : error_to_json(answer.error());
}

json::value to_json(const Result<FileVersion>& answer) {
    return answer ? json::value_from(stored(*answer)) : error_to_json(answer.error());
}

/// A list of values, each converted with `stored`.
template <class T>
json::value stored_list(const std::vector<T>& values) {
    json::array list;
    for (const auto& value : values) list.push_back(json::value_from(stored(value)));
    return list;
}

json::value to_json(const Result<std::vector<StoredCertificate>>& answer) {
    return answer ? stored_list(*answer) : error_to_json(answer.error());
}

json::value processes_of(const Capture& capture) {
    if (!*capture.processes) return error_to_json(capture.processes->error());
    json::array list;
    for (const auto& process : **capture.processes) {
        auto entry = stored(process);
        if (const auto modules = capture.modules.find(process.pid); modules != capture.modules.end()) {
            entry.modules = to_json(modules->second);
        }
        list.push_back(json::value_from(entry));
    }
    return list;
}

template <class T>
json::object to_json(const std::map<std::string, Result<T>>& answers) {
    json::object object;
    for (const auto& [key, answer] : answers) object[key] = to_json(answer);
    return object;
}

/// Redacts secrets. Everything that came from the machine passes here before it is written.
json::value clean(json::value value) {
    if (auto* text = value.if_string()) {
        return json::string(redact(valid_utf8(std::string_view(text->data(), text->size()))));
    }
    if (auto* list = value.if_array()) {
        for (auto& element : *list) element = clean(std::move(element));
    }
    if (auto* object = value.if_object()) {
        for (auto& member : *object) member.value() = clean(std::move(member.value()));
    }
    return value;
}

/// Returns what is written of a file's content.
std::string stored_content(const Path& name, const std::string& content) {
    return is_secret_file(name) ? "REDACTED\n" : redact(content);
}

/// Returns the status with the size of the stored content.
Result<FileStatus> status_as_stored(const Path& name, const FileAnswers& answers) {
    auto status = *answers.status;
    if (status && answers.content && *answers.content) status->size = stored_content(name, **answers.content).size();
    return status;
}

json::object facts_of(const Capture& capture) {
    json::object files;
    for (const auto& [file, answers] : capture.files) {
        json::object entry;
        if (answers.status) entry["status"] = to_json(answers.cut ? status_as_stored(file, answers) : *answers.status);
        if (answers.list) entry["list"] = to_json(*answers.list);
        if (answers.security) entry["security"] = to_json(*answers.security);
        if (answers.version) entry["version"] = to_json(*answers.version);
        // Content that could be read lies under files/.
        if (answers.content && !*answers.content) entry["content"] = to_json(*answers.content);
        files[file] = std::move(entry);
    }
    json::object registry;
    for (const auto& [key, answers] : capture.registry) {
        json::object entry{{"values", to_json(answers.values)}};
        if (answers.subkeys) entry["subkeys"] = to_json(*answers.subkeys);
        if (answers.value_names) entry["value_names"] = to_json(*answers.value_names);
        registry[key] = std::move(entry);
    }
    json::array commands;
    for (const auto& [command, answer] : capture.commands) {
        commands.push_back({{"command", json::value_from(command)}, {"answer", to_json(answer)}});
    }
    json::array wmi;
    for (const auto& [key, answer] : capture.wmi) {
        wmi.push_back({{"namespace", key.first}, {"query", key.second}, {"answer", to_json(answer)}});
    }
    const auto& facts = capture.facts;
    json::object document{
        {"schema", schema},
        {"system", json::value_from(StoredSystem{facts.platform, facts.os_name, facts.os_version, facts.architecture,
                                                 facts.host_name, facts.system_drive, seconds_of(facts.now)})},
        {"complete", json::array{}},
        {"files", std::move(files)},
        {"spaces", to_json(capture.spaces)},
        {"services", to_json(capture.services)},
        {"dependents", to_json(capture.dependents)},
        {"registry", std::move(registry)},
        {"commands", std::move(commands)},
        {"http", to_json(capture.http)},
        {"names", to_json(capture.names)},
        {"sources", to_json(capture.sources)},
        {"events", stored_list(capture.events)},
        {"event_queries", to_json(capture.event_queries)},
        {"certificates", to_json(capture.certificates)},
        {"wmi", std::move(wmi)}};
    if (capture.azure_access) {
        document["azure"] = {{"access", to_json(*capture.azure_access)}, {"answers", to_json(capture.arm)}};
    }
    if (capture.interfaces) document["interfaces"] = to_json(*capture.interfaces);
    if (capture.processes) document["processes"] = processes_of(capture);
    if (capture.mounts) document["mounts"] = to_json(*capture.mounts);
    return document;
}

// ---- reading

/// Thrown only inside load(); becomes an Error that names file and place.
struct Malformed {
    std::string place;
    std::string expected;
};

const json::object& object_at(const json::value& value, const std::string& place) {
    if (const auto* object = value.if_object()) return *object;
    throw Malformed{place, "expected an object"};
}

/// Sets defaults for the members of a struct, or of the structs in a list, that the capture leaves out. Unknown members
/// are an error.
template <class T>
json::value with_defaults(const json::value& value, const std::string& place) {
    if constexpr (json::is_described_class<T>::value) {
        auto whole = json::value_from(T{});
        for (const auto& member : object_at(value, place)) {
            auto* known = whole.get_object().if_contains(member.key());
            if (!known) throw Malformed{fmt::format("{}.{}", place, std::string_view(member.key())), "unknown member"};
            *known = member.value();
        }
        return whole;
    } else if constexpr (requires { typename T::allocator_type; }) {
        if (!value.is_array()) return value;
        json::array list;
        for (const auto& element : value.get_array()) {
            list.push_back(with_defaults<typename T::value_type>(element, fmt::format("{}[{}]", place, list.size())));
        }
        return list;
    } else {
        return value;
    }
}

template <class T>
T from_json(const json::value& value, const std::string& place) {
    auto decoded = json::try_value_to<T>(with_defaults<T>(value, place));
    if (!decoded) throw Malformed{place, decoded.error().message()};
    return std::move(*decoded);
}

/// Calls `read` for each member of the object `name`, which may be missing.
template <class Read>
void each_member(const json::object& document, const std::string& name, Read read) {
    const auto* section = document.if_contains(name);
    if (!section) return;
    for (const auto& member : object_at(*section, name)) {
        read(std::string(member.key()), member.value(),
             fmt::format("{}[\"{}\"]", name, std::string_view(member.key())));
    }
}

std::optional<Error> error_from_json(const json::value& value, const std::string& place) {
    const auto* object = value.if_object();
    const auto* error = object ? object->if_contains("error") : nullptr;
    if (!error) return std::nullopt;
    return from_json<Error>(*error, place + ".error");
}

template <class T>
Result<T> answer_from_json(const json::value& value, const std::string& place) {
    if (auto error = error_from_json(value, place)) return *error;
    return from_json<T>(value, place);
}

template <>
Result<FileStatus> answer_from_json(const json::value& value, const std::string& place) {
    if (auto error = error_from_json(value, place)) return *error;
    return restored(from_json<StoredStatus>(value, place));
}

template <>
Result<FileVersion> answer_from_json(const json::value& value, const std::string& place) {
    if (auto error = error_from_json(value, place)) return *error;
    auto version = restored(from_json<StoredVersion>(value, place));
    if (!version) throw Malformed{place + ".number", "expected four numbers, as \"10.0.20348.1\""};
    return std::move(*version);
}

template <>
Result<std::vector<StoredCertificate>> answer_from_json(const json::value& value, const std::string& place) {
    if (auto error = error_from_json(value, place)) return *error;
    std::vector<StoredCertificate> certificates;
    for (auto& facts : from_json<std::vector<CertificateFacts>>(value, place)) {
        certificates.push_back(restored(std::move(facts)));
    }
    return certificates;
}

template <>
Result<RegistryValue> answer_from_json(const json::value& value, const std::string& place) {
    if (auto error = error_from_json(value, place)) return *error;
    auto decoded = registry_value_from_json(value);
    if (!decoded) throw Malformed{place, decoded.error().message};
    return decoded;
}

template <class T>
void optional_answer(const json::object& object, const std::string& name, const std::string& place,
                     std::optional<Result<T>>& target) {
    if (const auto* value = object.if_contains(name)) target = answer_from_json<T>(*value, place + name);
}

void read_files(const json::object& document, const path& folder, Capture& capture) {
    each_member(document, "files", [&](const std::string& name, const json::value& value, const std::string& place) {
        const auto& entry = object_at(value, place);
        auto& answers = capture.files[name];
        optional_answer(entry, "status", place + ".", answers.status);
        optional_answer(entry, "list", place + ".", answers.list);
        optional_answer(entry, "content", place + ".", answers.content);
        optional_answer(entry, "security", place + ".", answers.security);
        optional_answer(entry, "version", place + ".", answers.version);
        const auto where = place_of(name);
        if (where.empty()) throw Malformed{place, "expected a path without \"..\""};
    });
    // Files below files/ need not be listed in facts.json, so that a test only adds a file.
    std::error_code error;
    const auto root = folder / "files";
    const bool windows = capture.facts.platform == Platform::windows;
    for (std::filesystem::recursive_directory_iterator entry(root, error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->is_symlink()) throw Malformed{entry->path().string(), "expected no symbolic link in a capture"};
        auto name = entry->path().lexically_relative(root).generic_string();
        name = windows ? name.insert(std::min<std::size_t>(1, name.size()), ":") : "/" + name;
        if (windows) std::ranges::replace(name, '/', '\\');
        auto& answers = capture.files[name];
        if (entry->is_directory()) {
            if (!answers.status) answers.status = FileStatus{.kind = FileKind::directory, .mode = 0755};
            continue;
        }
        auto content = local::read_file(entry->path(), file_limit);
        if (!content) throw Malformed{entry->path().string(), content.error().message};
        answers.content = std::move(*content);
    }
}

/// In a capture with the whole registry, the subkeys of a key are those that it describes.
void complete_subkeys(Capture& capture) {
    if (!capture.complete.contains(Section::registry)) return;
    std::vector<std::string> keys;
    for (const auto& [key, answers] : capture.registry) keys.push_back(key);
    for (const auto& key : keys) {
        for (auto child = key; child.find('\\') != std::string::npos;) {
            const auto separator = child.rfind('\\');
            auto& subkeys = capture.registry[child.substr(0, separator)].subkeys;
            if (!subkeys) subkeys = std::vector<std::string>{};
            const auto name = child.substr(separator + 1);
            if (*subkeys && std::ranges::find(**subkeys, name) == (*subkeys)->end()) (*subkeys)->push_back(name);
            child.resize(separator);
        }
    }
}

/// In a capture with all files, the list of a folder is what the capture has in it.
void complete_lists(Capture& capture) {
    if (!capture.complete.contains(Section::files)) return;
    std::map<Path, std::vector<std::string>> lists;
    for (const auto& [file, answers] : capture.files) {
        const auto separator = file.find_last_of("/\\");
        if (separator == Path::npos) continue;
        const bool absent = answers.status && !*answers.status;
        if (!absent) lists[file.substr(0, std::max<std::size_t>(separator, 1))].push_back(file.substr(separator + 1));
    }
    for (auto& [directory, names] : lists) {
        auto& answers = capture.files[directory];
        std::ranges::sort(names);
        if (!answers.list) answers.list = std::move(names);
        if (!answers.status) answers.status = FileStatus{.kind = FileKind::directory, .mode = 0755};
    }
    for (auto& [file, answers] : capture.files) {
        const bool directory = answers.status && *answers.status && (*answers.status)->kind == FileKind::directory;
        if (directory && !answers.list) answers.list = std::vector<std::string>{};
    }
}

using CommandAnswers = std::map<CommandKey, Result<CommandOutput>>;

/// `effects` gets the answers under "then" of a command; without `effects`, "then" is an unknown member.
CommandAnswers commands_from_json(const json::value& commands, const std::string& section,
                                  std::map<CommandKey, CommandAnswers>* effects) {
    if (!commands.is_array()) throw Malformed{section, "expected a list"};
    CommandAnswers answers;
    for (std::size_t index = 0; index < commands.get_array().size(); ++index) {
        const auto place = fmt::format("{}[{}]", section, index);
        const auto& entry = object_at(commands.get_array()[index], place);
        const auto* command = entry.if_contains("command");
        const auto* answer = entry.if_contains("answer");
        if (!command || !answer) throw Malformed{place, "expected \"command\" and \"answer\""};
        const auto key = from_json<CommandKey>(*command, place + ".command");
        answers.insert_or_assign(key, answer_from_json<CommandOutput>(*answer, place + ".answer"));
        if (const auto* then = entry.if_contains("then")) {
            if (!effects) throw Malformed{place + ".then", "unknown member"};
            effects->insert_or_assign(key, commands_from_json(*then, place + ".then", nullptr));
        }
    }
    return answers;
}

void read_processes(const json::value& value, Capture& capture) {
    if (auto error = error_from_json(value, "processes")) {
        capture.processes = *error;
        return;
    }
    std::vector<Process> processes;
    for (auto& process : from_json<std::vector<StoredProcess>>(value, "processes")) {
        if (!process.modules.is_null()) {
            const auto place = fmt::format("processes[{}].modules", processes.size());
            capture.modules.insert_or_assign(process.pid, answer_from_json<std::vector<Path>>(process.modules, place));
        }
        processes.push_back(restored(std::move(process)));
    }
    capture.processes = std::move(processes);
}

void read_events(const json::object& document, Capture& capture) {
    if (const auto* events = document.if_contains("events")) {
        for (auto& event : from_json<std::vector<StoredEvent>>(*events, "events")) {
            capture.events.push_back(restored(std::move(event)));
        }
    }
    each_member(document, "event_queries", [&](const auto& key, const auto& value, const auto& place) {
        const auto error = error_from_json(value, place);
        if (!error && !value.is_null()) throw Malformed{place, "expected null or an error"};
        capture.event_queries.insert_or_assign(lower_case(key), error ? Result<void>(*error) : Result<void>());
    });
}

void read_wmi(const json::object& document, Capture& capture) {
    const auto* answers = document.if_contains("wmi");
    if (!answers) return;
    if (!answers->is_array()) throw Malformed{"wmi", "expected a list"};
    for (std::size_t index = 0; index < answers->get_array().size(); ++index) {
        const auto place = fmt::format("wmi[{}]", index);
        const auto& entry = object_at(answers->get_array()[index], place);
        const auto* name_space = entry.if_contains("namespace");
        const auto* query = entry.if_contains("query");
        const auto* answer = entry.if_contains("answer");
        if (!name_space || !query || !answer) {
            throw Malformed{place, "expected \"namespace\", \"query\" and \"answer\""};
        }
        capture.wmi.insert_or_assign(wmi_key(from_json<std::string>(*name_space, place + ".namespace"),
                                             from_json<std::string>(*query, place + ".query")),
                                     answer_from_json<std::vector<WmiObject>>(*answer, place + ".answer"));
    }
}

void read_azure(const json::object& azure, Capture& capture) {
    optional_answer(azure, "access", "azure.", capture.azure_access);
    if (!capture.azure_access) throw Malformed{"azure", "expected \"access\""};
    each_member(azure, "answers", [&](const auto& key, const auto& value, const auto& place) {
        capture.arm.insert_or_assign(lower_case(key), answer_from_json<ArmAnswer>(value, "azure." + place));
    });
}

void read_facts(const json::object& document, const path& folder, Capture& capture) {
    const auto* number = document.if_contains("schema");
    if (!number || *number != schema) throw Malformed{"schema", fmt::format("expected {}", schema)};
    const auto* system = document.if_contains("system");
    if (!system) throw Malformed{"system", "expected an object"};
    const auto facts = from_json<StoredSystem>(*system, "system");
    capture.facts = {facts.platform,  facts.os_name,      facts.os_version,  facts.architecture,
                     facts.host_name, facts.system_drive, time_of(facts.now)};
    if (const auto* complete = document.if_contains("complete")) {
        const auto sections = from_json<std::vector<Section>>(*complete, "complete");
        capture.complete.insert(sections.begin(), sections.end());
    }
    read_files(document, folder, capture);
    complete_lists(capture);
    each_member(document, "services", [&](const auto& name, const auto& value, const auto& place) {
        capture.services.insert_or_assign(lower_case(name), answer_from_json<Service>(value, place));
    });
    each_member(document, "dependents", [&](const auto& name, const auto& value, const auto& place) {
        capture.dependents.insert_or_assign(lower_case(name), answer_from_json<std::vector<std::string>>(value, place));
    });
    each_member(document, "registry", [&](const auto& key, const auto& value, const auto& place) {
        const auto& entry = object_at(value, place);
        auto& answers = capture.registry[lower_case(key)];
        each_member(entry, "values", [&](const auto& name, const auto& item, const auto& item_place) {
            answers.values.insert_or_assign(lower_case(name),
                                            answer_from_json<RegistryValue>(item, place + "." + item_place));
        });
        optional_answer(entry, "subkeys", place + ".", answers.subkeys);
        optional_answer(entry, "value_names", place + ".", answers.value_names);
    });
    complete_subkeys(capture);
    if (const auto* commands = document.if_contains("commands")) {
        capture.commands = commands_from_json(*commands, "commands", &capture.effects);
    }
    each_member(document, "service_restarts", [&](const auto& service, const auto& value, const auto& place) {
        capture.service_effects.insert_or_assign(lower_case(service), commands_from_json(value, place, nullptr));
    });
    each_member(document, "http", [&](const auto& key, const auto& value, const auto& place) {
        capture.http.insert_or_assign(key, answer_from_json<HttpResponse>(value, place));
    });
    each_member(document, "names", [&](const auto& key, const auto& value, const auto& place) {
        capture.names.insert_or_assign(key, answer_from_json<std::vector<std::string>>(value, place));
    });
    each_member(document, "spaces", [&](const auto& key, const auto& value, const auto& place) {
        capture.spaces.insert_or_assign(key, answer_from_json<Space>(value, place));
    });
    each_member(document, "sources", [&](const auto& key, const auto& value, const auto& place) {
        capture.sources.insert_or_assign(key, answer_from_json<std::string>(value, place));
    });
    optional_answer(document, "interfaces", "", capture.interfaces);
    optional_answer(document, "mounts", "", capture.mounts);
    if (const auto* processes = document.if_contains("processes")) read_processes(*processes, capture);
    read_events(document, capture);
    each_member(document, "certificates", [&](const auto& store, const auto& value, const auto& place) {
        capture.certificates.insert_or_assign(lower_case(store),
                                              answer_from_json<std::vector<StoredCertificate>>(value, place));
    });
    read_wmi(document, capture);
    if (const auto* azure = document.if_contains("azure")) read_azure(object_at(*azure, "azure"), capture);
}

}  // namespace

std::string certificate_text(const StoredCertificate& certificate) {
    return json::serialize(json::value_from(stored(certificate)));
}

Result<StoredCertificate> certificate_from_text(const std::string& text) {
    boost::system::error_code error;
    auto facts = json::try_value_to<CertificateFacts>(json::parse(text, error));
    if (!facts) return Error::invalid("not a certificate of a recorded machine");
    return restored(std::move(*facts));
}

Result<void> save(const Capture& capture, const path& folder) {
    std::error_code error;
    if (std::filesystem::exists(folder, error) && !std::filesystem::is_empty(folder, error)) {
        return Error::invalid(folder.string() + " is not an empty folder");
    }
    // Before anything below it: this is what refuses a link that somebody put in its place.
    if (auto made = local::make_private_folder(folder); !made) return made.error();
    for (const auto& [place, content] : serialize(capture)) {
        const auto target = folder / place;
        if (auto made = local::make_private_folder(target.parent_path()); !made) return made.error();
        if (auto saved = local::write_durably(target, content); !saved) return saved.error();
    }
    return {};
}

std::vector<std::pair<path, std::string>> serialize(const Capture& capture) {
    std::vector<std::pair<path, std::string>> files;
    const std::scoped_lock lock(capture.mutex);
    for (const auto& [name, answers] : capture.files) {
        const auto place = place_of(name);
        if (!answers.content || !*answers.content || place.empty()) continue;
        files.emplace_back(place, stored_content(name, **answers.content));
    }
    files.emplace_back("facts.json", json::serialize(clean(facts_of(capture))) + "\n");
    return files;
}

Result<Machine> load(const path& folder) {
    const auto facts_path = folder / "facts.json";
    const auto text = local::read_file(facts_path, file_limit);
    if (!text) return text.error();
    const auto invalid = [&](const std::string& what) {
        return Error::invalid(fmt::format("{}: {}", facts_path.string(), what));
    };
    boost::system::error_code error;
    const auto document = json::parse(*text, error, {}, {.max_depth = 16});
    if (error) return invalid("not JSON: " + error.message());
    if (!document.is_object()) return invalid("expected an object");
    auto capture = std::make_shared<Capture>();
    try {
        read_facts(document.get_object(), folder, *capture);
    } catch (const Malformed& malformed) {
        return invalid(fmt::format("{}: {}", malformed.place, malformed.expected));
    }
    return machine_of(capture);
}

}  // namespace machine::recorded
