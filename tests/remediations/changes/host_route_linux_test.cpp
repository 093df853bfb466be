// The real routing table, in a network namespace of one thread.
#include <gmock/gmock.h>
#include <sched.h>

#include <cstring>
#include <thread>

#include "remediations/changes/changes.hpp"
#include "remediations/changes/undo.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::host_route_linux_test {
namespace {

using machine::Machine;

constexpr auto address = "168.63.129.16";

class HostRouteInKernel : public testing::Test {
protected:
    /// Runs `body` where card0 has 10.0.0.4/24 and nobody else's routes are.
    template <class Body>
    void in_own_network(Body body) {
        std::string obstacle;
        std::thread([&] {
            auto machine = machine::local_machine();
            const auto ip = ip_program(machine);
            if (!ip) obstacle = ip.error().message;
            if (obstacle.empty() && ::unshare(CLONE_NEWNET) != 0) obstacle = std::strerror(errno);
            if (!obstacle.empty()) return;
            ip_ = *ip;
            run(machine, {"link", "add", "card0", "type", "veth", "peer", "name", "peer0"});
            for (const auto* name : {"card0", "peer0"}) run(machine, {"link", "set", name, "up"});
            run(machine, {"address", "add", "10.0.0.4/24", "dev", "card0"});
            body(machine);
        }).join();
        if (!obstacle.empty()) GTEST_SKIP() << obstacle;
    }

    std::string run(Machine& machine, std::vector<std::string> words) {
        const auto output = machine.processes().run({ip_, std::move(words)});
        EXPECT_TRUE(output && output->exit_code == 0) << (output ? output->err : output.error().message);
        return output ? output->out : std::string();
    }

    std::string table(Machine& machine) { return run(machine, {"-4", "-details", "route", "show", "table", "main"}); }

    /// Sets `wanted` through the journal, then undoes it with the journal read anew.
    void set_and_undo(Machine& machine, const HostRoute& wanted) {
        const auto before = table(machine);
        const tests::TemporaryFolder state;
        auto journal = Journal::create(state.path(), std::chrono::system_clock::now());
        ASSERT_TRUE(journal);
        Changes changes(machine, &*journal, "wire-server-route-missing", Changes::Mode::apply);
        const auto set = changes.set_host_route(ip_, address, wanted);
        ASSERT_TRUE(set) << set.error().message;
        ASSERT_TRUE(changes.set_host_route(ip_, address, wanted)) << "twice is once";
        EXPECT_EQ(changes.steps().size(), 1U);
        EXPECT_NE(table(machine), before);
        EXPECT_EQ(host_route_slot(ip_, address)->read(machine).value(), SlotValue(words_of(wanted)));
        auto again = Journal::open(state.path(), journal->run_id());
        ASSERT_TRUE(again);
        const auto undone = undo(*again, machine);
        ASSERT_EQ(undone.size(), 1U);
        EXPECT_EQ(undone[0].result, UndoneStep::Result::undone) << undone[0].detail;
        EXPECT_EQ(table(machine), before);
    }

    machine::Path ip_;
    const HostRoute wanted_{.gateway = "10.0.0.1", .interface = "card0", .protocol = "static", .source = "10.0.0.4"};
};

TEST_F(HostRouteInKernel, IsAddedAndTakenAway) {
    in_own_network([&](Machine& machine) { set_and_undo(machine, wanted_); });
}

TEST_F(HostRouteInKernel, ReplacesOneThatLeadsNowhere) {
    for (const auto* type : {"blackhole", "unreachable", "prohibit", "throw"}) {
        in_own_network([&](Machine& machine) {
            run(machine, {"route", "add", type, address, "proto", "static"});
            set_and_undo(machine, wanted_);
        });
    }
}

TEST_F(HostRouteInKernel, ReplacesOneThroughAnotherCard) {
    in_own_network([&](Machine& machine) {
        run(machine, {"address", "add", "10.8.0.2/24", "dev", "peer0"});
        run(machine, {"route", "add", address, "via", "10.8.0.1", "dev", "peer0", "src", "10.8.0.2"});
        set_and_undo(machine, wanted_);
    });
}

TEST_F(HostRouteInKernel, LeavesThoseOfOtherMetricsAlone) {
    in_own_network([&](Machine& machine) {
        run(machine, {"route", "add", address, "via", "10.0.0.9", "dev", "card0", "metric", "100"});
        set_and_undo(machine, wanted_);
        run(machine, {"route", "add", address, "metric", "200", "nexthop", "via", "10.0.0.8", "dev", "card0", "nexthop",
                      "via", "10.0.0.7", "dev", "card0"});
        set_and_undo(machine, wanted_);
    });
}

TEST_F(HostRouteInKernel, RouterOutsideTheSubnet) {
    in_own_network([&](Machine& machine) {
        auto wanted = wanted_;
        wanted.gateway = "10.9.0.1";
        EXPECT_FALSE(host_route_slot(ip_, address)->write(machine, SlotValue(words_of(wanted))));
        wanted.on_link = true;
        set_and_undo(machine, wanted);
    });
}

TEST_F(HostRouteInKernel, OneThatCannotBePutBackIsNotReplaced) {
    in_own_network([&](Machine& machine) {
        run(machine, {"route", "add", address, "via", "10.0.0.9", "dev", "card0", "mtu", "1400"});
        const auto before = table(machine);
        const tests::TemporaryFolder state;
        auto journal = Journal::create(state.path(), std::chrono::system_clock::now());
        Changes changes(machine, &*journal, "wire-server-route-missing", Changes::Mode::apply);
        const auto set = changes.set_host_route(ip_, address, wanted_);
        ASSERT_FALSE(set);
        EXPECT_THAT(set.error().message, testing::HasSubstr("'mtu'"));
        EXPECT_EQ(table(machine), before);
    });
}

TEST_F(HostRouteInKernel, AKillBeforeOrBehindTheChangeLeavesNothing) {
    for (const bool was_made : {false, true}) {
        in_own_network([&](Machine& machine) {
            run(machine, {"route", "add", "blackhole", address});
            const auto before = table(machine);
            const tests::TemporaryFolder state;
            auto journal = Journal::create(state.path(), std::chrono::system_clock::now());
            const auto slot = host_route_slot(ip_, address);
            JournalStep step;
            step.remediation = "wire-server-route-missing";
            step.description = "route";
            step.slot = slot->identity();
            step.before = slot->read(machine).value();
            step.after = SlotValue(words_of(wanted_));
            ASSERT_TRUE(journal->begin(step));
            if (was_made) {
                ASSERT_TRUE(slot->write(machine, step.after));
            }
            EXPECT_EQ(table(machine) != before, was_made);
            auto again = Journal::open(state.path(), journal->run_id());
            ASSERT_TRUE(again->has_uncommitted_steps());
            EXPECT_EQ(undo(*again, machine, again->first_uncommitted_step()).at(0).result,
                      was_made ? UndoneStep::Result::undone : UndoneStep::Result::already_so);
            EXPECT_EQ(table(machine), before);
        });
    }
}

TEST_F(HostRouteInKernel, UndoLeavesAloneWhatSomebodyChangedSince) {
    in_own_network([&](Machine& machine) {
        const tests::TemporaryFolder state;
        auto journal = Journal::create(state.path(), std::chrono::system_clock::now());
        Changes changes(machine, &*journal, "wire-server-route-missing", Changes::Mode::apply);
        ASSERT_TRUE(changes.set_host_route(ip_, address, wanted_));
        run(machine, {"route", "replace", address, "via", "10.0.0.9", "dev", "card0"});
        const auto changed = table(machine);
        EXPECT_EQ(undo(*journal, machine).at(0).result, UndoneStep::Result::left_alone);
        EXPECT_EQ(table(machine), changed);
    });
}

}  // namespace
}  // namespace remediations::host_route_linux_test
