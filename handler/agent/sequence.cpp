#include "handler/agent/sequence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "handler/report/paths.hpp"
#include "remediations/formats/json.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

using machine::ErrorKind;
using machine::Result;
namespace json = boost::json;

namespace {

constexpr std::int64_t schema = 1;
constexpr std::size_t record_limit = std::size_t{1} << 20;
constexpr std::string_view state_words[] = {"running", "finished", "rejected"};

const json::string* string_at(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value ? value->if_string() : nullptr;
}

std::optional<std::uint64_t> number_at(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (!value || !value->is_number()) return std::nullopt;
    json::error_code code;
    const auto number = value->to_number<std::uint64_t>(code);
    return code ? std::nullopt : std::optional(number);
}

std::optional<SequenceRecord> record_from(const json::value& document) {
    const auto* object = document.if_object();
    if (!object || number_at(*object, "schema") != schema) return std::nullopt;
    const auto number = number_at(*object, "sequence");
    const auto attempts = number_at(*object, "attempts");
    const auto* state = string_at(*object, "state");
    const auto* run_id = string_at(*object, "runId");
    const auto* finished = string_at(*object, "finished");
    const auto* status = string_at(*object, "status");
    if (!number || !attempts || !state || !run_id || !finished || !status) return std::nullopt;
    const auto* word = std::ranges::find(state_words, std::string_view(*state));
    if (word == std::end(state_words)) return std::nullopt;
    return SequenceRecord{*number,
                          static_cast<SequenceState>(word - std::begin(state_words)),
                          static_cast<unsigned>(std::min<std::uint64_t>(*attempts, 1'000'000)),
                          std::string(*run_id),
                          std::string(*finished),
                          std::string(*status)};
}

}  // namespace

std::filesystem::path sequence_file(const std::filesystem::path& handler_folder) {
    return handler_folder / "sequence.json";
}

Result<std::optional<SequenceRecord>> load_sequence(const std::filesystem::path& handler_folder) {
    const auto file = sequence_file(handler_folder);
    const auto text = machine::local::read_file(file, record_limit);
    if (!text && text.error().kind == ErrorKind::not_found) return std::nullopt;
    if (!text) return text.error();
    const auto document = remediations::parse_json(*text, to_text(file));
    if (!document) return document.error();
    auto record = record_from(*document);
    if (!record) {
        return machine::Error::invalid(
            fmt::format("{}: expected schema {} with sequence, state, attempts, runId, finished and status",
                        to_text(file), schema));
    }
    return record;
}

std::filesystem::path sequence_lock_file(const std::filesystem::path& handler_folder) {
    return handler_folder / "sequence.lock";
}

Result<FileLock> lock_sequence(const std::filesystem::path& handler_folder) {
    // Longer than `enable` waits for its supervisor while it holds the lock.
    return FileLock::acquire(sequence_lock_file(handler_folder), std::chrono::seconds(60));
}

Result<void> save_sequence(const std::filesystem::path& handler_folder, const SequenceRecord& record,
                           const FileLock& /*sequence_lock*/) {
    const json::object document = {{"schema", schema},
                                   {"sequence", record.number},
                                   {"state", state_words[static_cast<std::size_t>(record.state)]},
                                   {"attempts", record.attempts},
                                   {"runId", record.run_id},
                                   {"finished", record.finished},
                                   {"status", record.status_text}};
    return machine::local::write_durably(sequence_file(handler_folder), json::serialize(document));
}

std::filesystem::path status_file(const Environment& environment, std::uint64_t number) {
    return environment.status_folder / fmt::format("{}.status", number);
}

Result<void> write_status(const Environment& environment, std::uint64_t number, const std::string& text) {
    std::error_code code;
    std::filesystem::create_directory(environment.status_folder, code);
    return machine::local::write_durably(status_file(environment, number), text);
}

Result<void> conclude(const Environment& environment, std::uint64_t number, SequenceState state,
                      const std::string& run_id, const std::string& status_text, const FileLock& sequence_lock) {
    Result<void> saved;
    const auto stored = load_sequence(environment.folder);
    const bool ours = !stored || !*stored || (*stored)->number == number;
    if (ours) {
        const auto attempts = stored && *stored ? (*stored)->attempts : 1;
        saved = save_sequence(
            environment.folder,
            {number, state, attempts, run_id, utc_text(std::chrono::system_clock::now()), status_text}, sequence_lock);
    }
    auto written = write_status(environment, number, status_text);
    return saved ? written : saved;
}

Result<void> restore_status(const Environment& environment, const SequenceRecord& record) {
    const auto present = machine::local::read_file(status_file(environment, record.number), record_limit);
    if (present && *present == record.status_text) return {};
    return write_status(environment, record.number, record.status_text);
}

}  // namespace handler
