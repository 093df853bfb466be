#include "remediations/machine/machine.hpp"

namespace machine {

namespace {

/// Longer than the slowest derived value, the search of the logs, takes.
constexpr auto longest_wait = std::chrono::seconds(90);

}  // namespace

const void* Derived::get(std::type_index type, const Machine& machine, const Maker& make) {
    std::unique_lock lock(mutex_);
    const auto values = values_;  // those of now, whatever is forgotten meanwhile
    auto& value = (*values)[type];
    const auto is_free = [&] { return value.value || !value.is_being_made; };
    const auto deadline = std::chrono::steady_clock::now() + longest_wait;
    while (!is_free()) {
        if (keeps_ || changed_.wait_until(lock, deadline) == std::cv_status::timeout) {
            if (is_free()) break;
            throw std::runtime_error(
                "what this needs is still being read by another diagnosis, which does not come to an end");
        }
    }
    if (value.value) return value.value.get();
    value.is_being_made = true;
    lock.unlock();
    std::shared_ptr<const void> made;
    try {
        made = make(machine);
    } catch (...) {
        lock.lock();
        value.is_being_made = false;
        changed_.notify_all();
        throw;
    }
    lock.lock();
    value.value = std::move(made);
    value.is_being_made = false;
    changed_.notify_all();
    return value.value.get();
}

void Derived::forget() {
    const std::scoped_lock lock(mutex_);
    if (keeps_) kept_.push_back(values_);
    values_ = std::make_shared<Values>();
}

void Derived::keep() {
    const std::scoped_lock lock(mutex_);
    keeps_ = true;
    changed_.notify_all();
}

}  // namespace machine
