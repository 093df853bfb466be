#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "remediations/machine/recorded/capture.hpp"

namespace machine::recorded {

/// Answers about one path; what was not asked is empty.
struct FileAnswers {
    std::optional<Result<FileStatus>> status;
    std::optional<Result<std::string>> content;
    bool cut = false;  ///< `content` is only the end of the file
    std::optional<Result<std::vector<std::string>>> list;
};

struct RegistryAnswers {
    std::map<std::string, Result<RegistryValue>> values;  ///< by lower-case name
    std::optional<Result<std::vector<std::string>>> subkeys;
    std::optional<Result<std::vector<std::string>>> value_names;
};

using CommandKey = std::vector<std::string>;  ///< program and arguments

/// Sections in which absence from the capture means absence from the machine. A capture taken from
/// a real machine has none; one that a person wrote for a test says what it describes whole.
enum class Section { files, services, registry, processes, commands, network };

struct Capture {
    SystemFacts facts;
    std::set<Section> complete;
    std::map<Path, FileAnswers> files;
    std::map<Path, Result<Space>> spaces;
    std::map<std::string, Result<Service>> services;  ///< by lower-case name
    std::map<std::string, Result<std::vector<std::string>>> dependents;
    std::map<std::string, RegistryAnswers> registry;  ///< by lower-case key
    std::optional<Result<std::vector<Process>>> processes;
    std::map<CommandKey, Result<CommandOutput>> commands;
    /// The answers that other commands give once this one was run to change the machine.
    std::map<CommandKey, std::map<CommandKey, Result<CommandOutput>>> effects;
    std::optional<Result<std::vector<Mount>>> mounts;
    std::map<std::string, Result<HttpResponse>> http;  ///< by "host:port/path"
    std::map<std::string, Result<std::vector<std::string>>> names;
    std::map<std::string, Result<std::string>> sources;  ///< Network::source_address, by target
    std::optional<Result<std::vector<NetworkInterface>>> interfaces;
    /// Diagnoses ask from many threads at once.
    mutable std::mutex mutex;
};

/// Keys of the maps above.
std::string lower_case(std::string text);
CommandKey command_key(const Command& command);
std::string http_key(const HttpRequest& request);

/// A machine that answers from this capture and changes it.
Machine machine_of(const std::shared_ptr<Capture>& capture);

}  // namespace machine::recorded
