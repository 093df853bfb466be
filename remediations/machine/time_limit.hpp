#pragma once

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "remediations/machine/result.hpp"

namespace machine {

/// Makes a system call that a dead disk or server can block for ever, in a thread of its own, and
/// leaves the thread behind at the limit: error timed_out. `call` owns all it uses. `what`
/// completes "cannot".
template <class T>
Result<T> with_time_limit(std::chrono::milliseconds limit, const std::string& what, std::function<Result<T>()> call) {
    const auto promise = std::make_shared<std::promise<Result<T>>>();
    auto answer = promise->get_future();
    try {
        std::thread([promise, call = std::move(call)] { promise->set_value(call()); }).detach();
    } catch (const std::system_error& error) {
        return Error{ErrorKind::failed, fmt::format("cannot {}: {}", what, error.what()), error.code().value()};
    }
    if (answer.wait_for(limit) != std::future_status::ready) {
        return Error{ErrorKind::timed_out, fmt::format("cannot {}: no answer within {} ms", what, limit.count()), 0};
    }
    return answer.get();
}

}  // namespace machine
