#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "remediations/machine/time_limit.hpp"

namespace machine::local {

/// How long a file system may take for one answer. A busy local disk takes a second.
inline constexpr auto file_answer_limit = std::chrono::milliseconds(5000);

/// Whether a file system is mounted that a dead server, or a dead program (FUSE), can keep from answering: then any
/// path may lead to it, through links too. Looked at anew after a second.
bool a_mount_may_hang();

/// A place that a call waits for. While it does, nobody else asks there: each question would cost a thread and its
/// time.
class Unanswered {
public:
    /// Why a call that goes there need not be made; ErrorKind::timed_out.
    static std::optional<Error> why_not_to_ask(const std::string& path, const std::string& what);
    /// From now until `is_over`, questions about the mount or folder of `path` are not asked.
    static void note(const std::string& path, std::shared_ptr<const std::atomic<bool>> is_over);
};

/// A read-only question about `path`, which owns all it uses. Asked at once, or where a mount may hang, with a time
/// limit: ErrorKind::timed_out. `what` completes "cannot".
template <class T>
Result<T> ask_file_system(const std::string& path, const std::string& what, std::function<Result<T>()> call) {
    if (!a_mount_may_hang()) return call();
    if (auto error = Unanswered::why_not_to_ask(path, what)) return *error;
    const auto is_over = std::make_shared<std::atomic<bool>>(false);
    auto answer = with_time_limit<T>(file_answer_limit, what, [call = std::move(call), is_over]() -> Result<T> {
        struct Note {
            std::atomic<bool>& is_over;
            ~Note() { is_over = true; }
        };
        const Note note{*is_over};
        return call();
    });
    if (!answer && answer.error().kind == ErrorKind::timed_out) Unanswered::note(path, is_over);
    return answer;
}

}  // namespace machine::local
