#include "handler/agent/events.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>

#include "handler/report/status.hpp"
#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/local/durable_file.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

namespace json = boost::json;

namespace {

constexpr std::string_view level_words[] = {"Informational", "Warning", "Error"};

std::size_t files_in(const std::filesystem::path& folder) {
    std::size_t count = 0;
    std::error_code code;
    for (std::filesystem::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
        ++count;
    }
    return count;
}

}  // namespace

Events::Events(const Environment& environment, std::string operation)
    : folder_(environment.events_folder), workplace_(environment.log_folder), operation_(std::move(operation)) {}

void Events::send(Level level, std::string_view task, std::string_view message) {
    std::error_code code;
    if (!folder_ || !machine::local::PinnedFolder::open(*folder_)) return;
    if (sent_ >= most_events || files_in(*folder_) >= most_files) return;
    ++sent_;

    const auto now = std::chrono::system_clock::now();
    // The agent reads every field as text. It refuses an empty message.
    const auto process = std::to_string(machine::local::this_process_id());
    json::object event = {{"Version", BACKUP_REMEDIATION_VERSION},
                          {"Timestamp", utc_text(now)},
                          {"TaskName", task},
                          {"EventLevel", level_words[static_cast<std::size_t>(level)]},
                          {"EventPid", process},
                          {"EventTid", process},
                          {"OperationId", operation_}};
    const auto valid = machine::valid_utf8(message.empty() ? task : message);
    std::string text;
    // JSON can spell one character with six, so that what fits as a message may not fit as a file.
    for (auto limit = message_limit; limit > 0; limit /= 2) {
        event["Message"] = machine::utf8_prefix(valid, limit);
        text = json::serialize(event);
        if (text.size() <= event_limit) break;
    }

    auto stamp = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    const auto name = [&] { return fmt::format("{}.json", stamp); };
    while (std::filesystem::exists(*folder_ / name(), code)) ++stamp;
    const auto draft = workplace_ / ("event-" + name());
    if (!machine::local::write_durably(draft, text)) return;
    std::filesystem::rename(draft, *folder_ / name(), code);
    if (code) std::filesystem::remove(draft, code);
}

}  // namespace handler
