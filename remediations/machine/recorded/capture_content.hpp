#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "remediations/machine/recorded/capture.hpp"

namespace machine::recorded {

/// The answers about one path. A question that was not asked is empty.
struct FileAnswers {
    std::optional<Result<FileStatus>> status;
    std::optional<Result<std::string>> content;
    bool cut = false;  ///< `content` is only the end of the file
    std::optional<Result<std::vector<std::string>>> list;
    std::optional<Result<std::string>> security;
    std::optional<Result<FileVersion>> version;
    std::optional<Path> link;  ///< target of a link that a fix made; a capture has none
};

struct RegistryAnswers {
    std::map<std::string, Result<RegistryValue>> values;  ///< by lower-case name
    std::optional<Result<std::vector<std::string>>> subkeys;
    std::optional<Result<std::vector<std::string>>> value_names;
};

using CommandKey = std::vector<std::string>;         ///< program and arguments
using WmiKey = std::pair<std::string, std::string>;  ///< lower-case namespace, and query

/// Sections in which a thing that is not in the capture does not exist on the machine. A capture of a real machine has
/// none; one that a person wrote for a test names the sections that it describes completely.
enum class Section { files, services, registry, processes, commands, network, events, certificates, wmi, azure };

struct Capture {
    SystemFacts facts;
    std::set<Section> complete;
    std::map<Path, FileAnswers> files;
    std::map<Path, Result<Space>> spaces;
    std::map<std::string, Result<Service>> services;  ///< by lower-case name
    std::map<std::string, Result<std::vector<std::string>>> dependents;
    std::map<std::string, RegistryAnswers> registry;  ///< by lower-case key
    std::optional<Result<std::vector<Process>>> processes;
    std::map<std::uint32_t, Result<std::vector<Path>>> modules;  ///< by process
    std::map<CommandKey, Result<CommandOutput>> commands;
    /// Once this command was run to change the machine, other commands give these answers.
    std::map<CommandKey, std::map<CommandKey, Result<CommandOutput>>> effects;
    /// The same, once this service (lower-case name) was started or restarted.
    std::map<std::string, std::map<CommandKey, Result<CommandOutput>>> service_effects;
    std::optional<Result<std::vector<Mount>>> mounts;
    std::map<std::string, Result<HttpResponse>> http;  ///< by "host:port/path"
    std::map<std::string, Result<std::vector<std::string>>> names;
    std::map<std::string, Result<std::string>> sources;  ///< Network::source_address, by target
    std::optional<Result<std::vector<NetworkInterface>>> interfaces;
    std::vector<Event> events;
    /// Success where `events` holds all events that a query asks for, else why it could not be asked. By
    /// event_query_key or, for every query of a channel, by its lower-case name.
    std::map<std::string, Result<void>> event_queries;
    std::map<std::string, Result<std::vector<StoredCertificate>>> certificates;  ///< by lower-case store
    std::map<WmiKey, Result<std::vector<WmiObject>>> wmi;
    std::optional<Result<AzureAccess>> azure_access;  ///< nullopt where Azure must not be asked
    std::map<std::string, Result<ArmAnswer>> arm;     ///< by arm_key
    /// Diagnoses ask from many threads at once.
    mutable std::mutex mutex;
};

/// Keys of the maps above.
std::string lower_case(std::string text);
CommandKey command_key(const Command& command);
std::string http_key(const HttpRequest& request);
WmiKey wmi_key(const std::string& name_space, const std::string& wql);
/// Returns the key in lower case: "get /subscriptions/...?$expand=restorepoints", followed by a blank and the body.
std::string arm_key(const ArmQuestion& question);
/// "system: msdtc 4193 4104; volsnap; 604800 s; 100"
std::string event_query_key(const EventQuery& query);

/// CertificateStore::serialized of a recorded machine.
std::string certificate_text(const StoredCertificate& certificate);
Result<StoredCertificate> certificate_from_text(const std::string& text);

/// Creates a machine that answers from this capture and changes it.
Machine machine_of(const std::shared_ptr<Capture>& capture);

}  // namespace machine::recorded
