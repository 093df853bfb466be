#pragma once

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <system_error>
#include <thread>

#include "remediations/machine/result.hpp"

namespace machine {

/// Lets a thread continue for which nobody waits any more.
void leave_behind(std::thread thread);

/// Returns the number of threads that were left behind so far. Where there is one, the process must end with
/// std::_Exit, without destroying what they may use.
std::size_t threads_left_behind();

/// Makes a system call that a dead disk or server can block for ever, in a thread of its own. At the limit the thread
/// is left behind: ErrorKind::timed_out. `call` must own all that it uses; its exceptions are thrown here. `what`
/// completes the message "cannot ...".
template <class T>
Result<T> with_time_limit(std::chrono::milliseconds limit, const std::string& what, std::function<Result<T>()> call) {
    constexpr std::size_t most_left_behind = 200;
    if (threads_left_behind() >= most_left_behind) {
        return Error::timed_out(fmt::format("cannot {}: too many such questions were never answered", what));
    }
    std::packaged_task<Result<T>()> task(std::move(call));
    auto answer = task.get_future();
    std::thread thread;
    try {
        thread = std::thread(std::move(task));
    } catch (const std::system_error& error) {
        return Error::failed(fmt::format("cannot {}: {}", what, error.what()), error.code().value());
    }
    if (answer.wait_for(limit) != std::future_status::ready) {
        leave_behind(std::move(thread));
        return Error::timed_out(fmt::format("cannot {}: no answer within {} ms", what, limit.count()));
    }
    thread.join();
    return answer.get();
}

}  // namespace machine
