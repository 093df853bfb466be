#include "remediations/engine/watchdog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "remediations/machine/local/thread_priority.hpp"
#include "remediations/machine/time_limit.hpp"

namespace remediations {

namespace {

using Clock = std::chrono::steady_clock;

/// Everything that a thread uses, so that the thread can be left behind.
struct Watched {
    std::shared_ptr<const machine::Machine> machine;
    std::function<Finding(const machine::Machine&, std::size_t)> diagnose;

    std::mutex mutex;
    std::condition_variable changed;
    std::size_t next = 0;
    bool is_over = false;  ///< true if nobody wants further answers
    std::vector<std::optional<Finding>> findings;

    bool has_more() const { return !is_over && next < findings.size(); }
};

/// A thread and its current work.
struct Worker {
    std::thread thread;
    /// Guarded by Watched::mutex.
    std::optional<std::size_t> index;
    Clock::time_point since;
    bool has_ended = false;
    bool is_given_up = false;  ///< it gets no further work, even if it continues later
};

void work(const std::shared_ptr<Watched>& watched, const std::shared_ptr<Worker>& worker) {
    // A fix starts services in another thread; started from here, they would keep this low priority.
    machine::local::let_others_go_first();
    std::unique_lock lock(watched->mutex);
    while (watched->has_more() && !worker->is_given_up) {
        const auto index = watched->next++;
        worker->index = index;
        worker->since = Clock::now();
        lock.unlock();
        auto finding = watched->diagnose(*watched->machine, index);
        lock.lock();
        if (!worker->is_given_up && !watched->is_over) watched->findings[index] = std::move(finding);
        worker->index.reset();
        watched->changed.notify_all();
    }
    worker->has_ended = true;
    watched->changed.notify_all();
}

/// Returns nullptr where the system has no thread or no memory for one.
std::shared_ptr<Worker> start_worker(const std::shared_ptr<Watched>& watched) {
    try {
        auto worker = std::make_shared<Worker>();
        worker->thread = std::thread([watched, worker] { work(watched, worker); });
        return worker;
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
    return nullptr;
}

Finding without_answer(const std::string& name, std::chrono::milliseconds after) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(after).count();
    return Finding::unknown(name, machine::Error::timed_out(fmt::format(
                                      "this diagnosis did not come to an end within {} seconds: something that "
                                      "it asks does not answer",
                                      seconds)));
}

}  // namespace

std::vector<Finding> watched_findings(const machine::Machine& machine, std::size_t count,
                                      std::function<Finding(const machine::Machine&, std::size_t)> diagnose,
                                      const std::function<std::string(std::size_t)>& name, const WatchLimits& limits) {
    const auto watched = std::make_shared<Watched>();
    watched->machine = machine.alias();
    watched->diagnose = std::move(diagnose);
    watched->findings.resize(count);

    const auto begin = Clock::now();
    std::vector<std::shared_ptr<Worker>> workers;
    const auto at_work = [&] {
        return static_cast<std::size_t>(std::ranges::count_if(
            workers, [](const auto& worker) { return !worker->has_ended && !worker->is_given_up; }));
    };
    while (workers.size() < std::min(limits.threads, count)) {
        auto worker = start_worker(watched);
        if (!worker) break;
        workers.push_back(std::move(worker));
    }

    std::unique_lock lock(watched->mutex);
    while (at_work() > 0 && Clock::now() - begin < limits.all) {
        watched->changed.wait_for(lock, limits.look_every);
        const auto now = Clock::now();
        std::size_t hanging = 0;
        for (const auto& worker : workers) {
            if (worker->has_ended || worker->is_given_up || !worker->index || now - worker->since < limits.each) {
                continue;
            }
            worker->is_given_up = true;
            ++hanging;
        }
        if (hanging == 0) continue;
        watched->machine->keep_derived();
        // New threads replace those that hang.
        for (; hanging > 0 && watched->has_more(); --hanging) {
            lock.unlock();
            auto worker = start_worker(watched);
            lock.lock();
            if (!worker) break;
            workers.push_back(std::move(worker));
        }
    }
    const bool in_time = Clock::now() - begin < limits.all;
    while (in_time && watched->has_more()) {
        // No thread could be started: the caller's own thread does the rest.
        const auto index = watched->next++;
        lock.unlock();
        auto finding = watched->diagnose(*watched->machine, index);
        lock.lock();
        watched->findings[index] = std::move(finding);
    }
    watched->is_over = true;
    if (at_work() > 0 || std::ranges::any_of(workers, &Worker::is_given_up)) watched->machine->keep_derived();
    std::vector<Finding> findings;
    for (std::size_t index = 0; index < count; ++index) {
        auto& finding = watched->findings[index];
        findings.push_back(
            finding ? std::move(*finding)
                    : without_answer(name(index), std::min<std::chrono::milliseconds>(limits.each, limits.all)));
    }
    std::vector<std::thread> ended;
    for (const auto& worker : workers) {
        if (worker->has_ended) {
            ended.push_back(std::move(worker->thread));
        } else {
            machine::leave_behind(std::move(worker->thread));
        }
    }
    lock.unlock();
    for (auto& thread : ended) thread.join();
    return findings;
}

}  // namespace remediations
