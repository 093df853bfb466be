#include "remediations/knowledge/snapshot/vss_writers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "remediations/knowledge/logs/log_line.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"

namespace remediations {

using machine::Error;
using machine::Machine;
using machine::Result;

namespace {

/// vssadmin asks every writer; one that hangs delays it for minutes.
constexpr auto patience_with_suspects = std::chrono::seconds(180);
constexpr auto patience_without = std::chrono::seconds(30);
constexpr std::size_t most_writers = 1000;
constexpr std::size_t guid_length = 38;

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_guid(std::string_view text) {
    if (text.size() != guid_length || text.front() != '{' || text.back() != '}') return false;
    for (std::size_t at = 1; at + 1 < text.size(); ++at) {
        const bool dash = at == 9 || at == 14 || at == 19 || at == 24;
        if (dash ? text[at] != '-' : !is_hex(text[at])) return false;
    }
    return true;
}

/// Returns the GUID at the end of a line, after a colon or a blank.
std::optional<std::string> guid_at_end(std::string_view line) {
    if (line.size() < guid_length) return std::nullopt;
    const auto last = line.substr(line.size() - guid_length);
    return is_guid(last) ? std::optional(boost::algorithm::to_lower_copy(std::string(last))) : std::nullopt;
}

/// Returns the number in "[8]". A lone '[' can be the second byte of a character in a Japanese code page.
std::optional<unsigned> number_in_brackets(std::string_view line) {
    for (auto open = line.find('['); open != line.npos; open = line.find('[', open + 1)) {
        unsigned number = 0;
        const auto* begin = line.data() + open + 1;
        const auto* end = line.data() + line.size();
        const auto parsed = std::from_chars(begin, end, number);
        if (parsed.ec == std::errc() && parsed.ptr != end && *parsed.ptr == ']') return number;
    }
    return std::nullopt;
}

/// Returns the text between the first quote and the last quote of the same kind.
std::string quoted(std::string_view line) {
    const auto first = line.find_first_of("'\"");
    if (first == line.npos) return {};
    const auto last = line.rfind(line[first]);
    return last == first ? std::string() : printable(line.substr(first + 1, last - first - 1));
}

bool is_complete(const VssWriter& writer) {
    return !writer.id.empty() && !writer.instance_id.empty() && !writer.state_text.empty();
}

class Reader {
public:
    void read(std::string_view line) {
        ++number_;
        if (failure_) return;
        if (std::exchange(error_follows_, false) && line.find(':') != line.npos && !guid_at_end(line)) {
            writers_.back().error_text = printable(line);
        } else if (const auto guid = guid_at_end(line)) {
            take_guid(*guid);
        } else if (is_begun() && !current_.instance_id.empty() && current_.state_text.empty()) {
            take_state(line);
        } else if (auto name = quoted(line); !name.empty() && !is_begun()) {
            name_ = std::move(name);
        } else if (!name.empty() && is_begun()) {
            cut_off();
        }
    }

    Result<std::vector<VssWriter>> finish() && {
        if (is_begun()) cut_off();
        if (failure_) return *failure_;
        return std::move(writers_);
    }

private:
    bool is_begun() const { return !current_.id.empty(); }

    void take_guid(const std::string& guid) {
        if (!is_begun()) {
            current_.id = guid;
            current_.name = name_.empty() ? guid : name_;
            name_.clear();
        } else if (current_.instance_id.empty()) {
            current_.instance_id = guid;
        } else {
            cut_off();
        }
    }

    void take_state(std::string_view line) {
        const auto state = number_in_brackets(line);
        if (!state) return;
        current_.state = *state;
        current_.state_text = printable(line);
        if (!is_complete(current_)) return;
        error_follows_ = writers_.size() < most_writers;
        if (error_follows_) writers_.push_back(std::move(current_));
        current_ = {};
    }

    void cut_off() {
        if (failure_) return;
        failure_ = machine::Error::invalid(
            fmt::format("vssadmin list writers, line {}: expected {} of writer {}", number_,
                        current_.instance_id.empty() ? "the instance's GUID" : "a state like [1]", current_.id));
    }

    std::size_t number_ = 0;
    bool error_follows_ = false;  ///< the next line has the error of the last writer
    std::string name_;
    VssWriter current_;
    std::vector<VssWriter> writers_;
    std::optional<Error> failure_;
};

Result<std::vector<VssWriter>> ask(const Machine& machine, const machine::Command& command) {
    const auto output = machine.processes().query(command);
    if (!output) return output.error();
    if (output->exit_code != 0) {
        return machine::Error::failed(
            fmt::format("{} ended with exit code {}: {}", command.program, output->exit_code,
                        printable(boost::algorithm::trim_copy(output->err.empty() ? output->out : output->err))),
            output->exit_code);
    }
    return parse_vss_writers(output->out);
}

}  // namespace

bool has_failed(const VssWriter& writer) {
    return writer.state >= static_cast<unsigned>(WriterState::failed_at_identify) &&
           writer.state <= static_cast<unsigned>(WriterState::failed_at_backup_shutdown);
}

std::string_view meaning_of_writer_state(unsigned state) {
    constexpr std::string_view meanings[] = {"unknown",
                                             "stable",
                                             "waiting for freeze",
                                             "waiting for thaw",
                                             "waiting for post-snapshot",
                                             "waiting for the backup to complete",
                                             "failed at Identify",
                                             "failed at PrepareForBackup",
                                             "failed at PrepareForSnapshot",
                                             "failed at Freeze",
                                             "failed at Thaw",
                                             "failed at PostSnapshot",
                                             "failed at BackupComplete",
                                             "failed at PreRestore",
                                             "failed at PostRestore",
                                             "failed at BackupShutdown"};
    return state < std::size(meanings) ? meanings[state] : "in an undocumented state";
}

Result<std::vector<VssWriter>> parse_vss_writers(std::string_view output) {
    Reader reader;
    while (!output.empty()) {
        const auto end = std::min(output.find('\n'), output.size());
        auto line = output.substr(0, end);
        output.remove_prefix(std::min(end + 1, output.size()));
        constexpr std::string_view blanks = " \t\r\0";
        while (!line.empty() && blanks.find(line.back()) != blanks.npos) line.remove_suffix(1);
        while (!line.empty() && blanks.find(line.front()) != blanks.npos) line.remove_prefix(1);
        reader.read(line);
    }
    return std::move(reader).finish();
}

VssWriters::VssWriters(const Machine& machine) : VssWriters(machine, patience_with_suspects) {}

UnsuspectedVssWriters::UnsuspectedVssWriters(const Machine& machine) : VssWriters(machine, patience_without) {}

VssWriters::VssWriters(const Machine& machine, std::chrono::milliseconds patience)
    : command_(system_folder(machine) + R"(\vssadmin.exe)"),
      list_(ask(machine, {command_, {"list", "writers"}, patience})) {
    command_ += " list writers";
}

std::vector<std::string> guids_in(std::string_view text) {
    std::vector<std::string> found;
    for (auto open = text.find('{'); open != text.npos; open = text.find('{', open + 1)) {
        const auto candidate = text.substr(open, guid_length);
        if (is_guid(candidate)) found.push_back(boost::algorithm::to_lower_copy(std::string(candidate)));
    }
    return found;
}

}  // namespace remediations
