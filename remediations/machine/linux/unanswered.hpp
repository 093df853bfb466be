#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "remediations/machine/time_limit.hpp"

namespace machine::local {

/// The time limit for one answer of a file system. A busy local disk takes a second.
inline constexpr auto file_answer_limit = std::chrono::milliseconds(5000);

/// Returns true if a file system is mounted that a dead server or a dead program (FUSE) can keep from answering. Then
/// any path may lead to it, also through links. Reads the mounts again after a second.
bool a_mount_may_hang();

/// The places where a call still waits for an answer. Meanwhile nobody else asks there, because each question would
/// cost a thread and its time limit.
class Unanswered {
public:
    /// Returns ErrorKind::timed_out if a call still waits at a place that holds `path`; nullopt if `path` may be asked.
    static std::optional<Error> why_not_to_ask(const std::string& path, const std::string& what);
    /// From now until `is_over` is true, why_not_to_ask() refuses questions about the mount or folder of `path`.
    static void note(const std::string& path, std::shared_ptr<const std::atomic<bool>> is_over);
};

/// Asks a read-only question about `path`. `call` must own all that it uses. Calls it directly or, where a mount may
/// hang, with a time limit: ErrorKind::timed_out. `what` completes the message "cannot ...".
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
