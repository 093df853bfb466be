// Whatever becomes of a journal on its disk: it is read whole, or named as damaged; undo never destroys anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <boost/crc.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "remediations/changes/changes.hpp"
#include "remediations/changes/quarantine_room.hpp"
#include "remediations/changes/recovery.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::journal_damage_test {
namespace {

namespace json = boost::json;
using machine::ErrorKind;
using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto conf = "/etc/waagent.conf";
constexpr auto run_id = "20261121T014907Z-0001";

void write(const std::filesystem::path& path, std::string_view text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

std::string content_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

/// A line of format 1 with the checksum that it should have.
std::string sealed(json::object line) {
    line.erase("crc32");
    auto text = json::serialize(line);
    text.pop_back();
    boost::crc_32_type checksum;
    checksum.process_bytes(text.data(), text.size());
    return fmt::format("{},\"crc32\":\"{:08x}\"}}", text, checksum.checksum());
}

class JournalDamage : public testing::Test {
protected:
    machine::Machine make_machine(std::string_view content) const {
        write(capture_.path() / "files/etc/waagent.conf", content);
        write(capture_.path() / "facts.json", R"({"schema":1,"system":{"platform":"linux"},
            "complete":["files","services","registry"],
            "services":{"agent":{"name":"agent","state":"running","start":"automatic"}},
            "registry":{"HKLM\\A":{"values":{"flag":{"type":1,"data":"True"}}}},
            "commands":[{"command":["/bin/tool","-install"],"answer":{"exit_code":0,"out":"","err":""}}]})");
        return machine::recorded::load(capture_.path()).value();
    }

    /// Changes a file, creates one, and does what else a fix does.
    void make_run() {
        auto machine = make_machine("before\n");
        auto journal = Journal::create(state_.path(), std::chrono::system_clock::time_point{}).value();
        Changes changes(machine, &journal, "some-cause", Changes::Mode::apply);
        ASSERT_TRUE(changes.write_file(conf, "after\n"));
        ASSERT_TRUE(changes.write_file("/etc/new", std::string("\xFF\xFE bytes", 8)));
        ASSERT_TRUE(changes.restart_service("agent"));
        ASSERT_TRUE(changes.set_service_start("agent", machine::StartType::disabled));
        ASSERT_TRUE(journal.commit());
        ASSERT_TRUE(journal.note({{"mode", "fix"}}));
        file_ = state_.path() / "runs" / journal.run_id() / "journal.jsonl";
        id_ = journal.run_id();
    }

    /// The same run as today's program wrote it before there were checksums.
    void make_run_of_format_0() {
        id_ = run_id;
        file_ = state_.path() / "runs" / id_ / "journal.jsonl";
        write(file_, R"({"step":1,"remediation":"some-cause","description":"edit /etc/waagent.conf",)"
                     R"("slot":{"kind":"file-content","path":"/etc/waagent.conf","mode":384},)"
                     R"("before":{"text":"before\n"},"after":{"text":"after\n"}})"
                     "\n"
                     R"({"step":1,"outcome":"done"})"
                     "\n"
                     R"({"step":2,"remediation":"some-cause","description":"create /etc/new",)"
                     R"("slot":{"kind":"file-content","path":"/etc/new","mode":384},)"
                     R"("before":null,"after":{"base64":"//4gYnl0ZXM="}})"
                     "\n"
                     R"({"step":2,"outcome":"done"})"
                     "\n"
                     R"({"step":3,"remediation":"some-cause","description":"restart service agent",)"
                     R"("action":"restart-service","subject":"agent"})"
                     "\n"
                     R"({"step":3,"outcome":"done"})"
                     "\n"
                     R"({"settled":3})"
                     "\n"
                     R"({"summary":{"mode":"fix"}})"
                     "\n");
    }

    /// The machine as the run left it.
    machine::Machine changed_machine() const {
        auto machine = make_machine("after\n");
        EXPECT_TRUE(machine.files().write("/etc/new", std::string("\xFF\xFE bytes", 8)));
        EXPECT_TRUE(machine.services().set_start("agent", machine::StartType::disabled));
        return machine;
    }

    machine::Result<Journal> open(Damage damage = Damage::refuse) const {
        return Journal::open(state_.path(), id_, damage);
    }

    /// Undo of what can be read leaves the edited file there, as it was before or after.
    void expect_that_undo_destroys_nothing(const std::string& what) const {
        auto machine = changed_machine();
        if (auto journal = open(Damage::skip)) undo(*journal, machine);
        const auto content = machine.files().read(conf);
        ASSERT_TRUE(content) << what;
        EXPECT_THAT(*content, AnyOf("before\n", "after\n")) << what;
    }

    tests::TemporaryFolder capture_;
    tests::TemporaryFolder state_;
    std::filesystem::path file_;
    std::string id_;
};

TEST_F(JournalDamage, EveryByteThatIsFlippedIsNoticed) {
    make_run();
    const auto whole = content_of(file_);
    ASSERT_TRUE(open()) << open().error().message;
    for (std::size_t index = 0; index < whole.size(); ++index) {
        for (const unsigned bit : {0x01U, 0x20U, 0x80U}) {
            auto damaged = whole;
            damaged[index] = static_cast<char>(static_cast<unsigned char>(damaged[index]) ^ bit);
            write(file_, damaged);
            const auto journal = open();
            ASSERT_FALSE(journal) << "byte " << index << ", bit " << bit;
            EXPECT_THAT(journal.error().message, HasSubstr("journal.jsonl:")) << index;
        }
        if (index % 7 == 0) expect_that_undo_destroys_nothing(fmt::format("byte {}", index));
    }
}

TEST_F(JournalDamage, EveryLineThatIsMissingIsNoticedOrHarmless) {
    make_run();
    const auto lines = lines_of(content_of(file_));
    for (std::size_t missing = 0; missing < lines.size(); ++missing) {
        std::string rest;
        for (std::size_t index = 0; index < lines.size(); ++index) rest += index == missing ? "" : lines[index] + "\n";
        write(file_, rest);
        const bool tells_of_a_step = lines[missing].starts_with(R"({"begin")") || missing == 0;
        if (tells_of_a_step) {
            EXPECT_FALSE(open()) << lines[missing];
        }
        expect_that_undo_destroys_nothing(lines[missing]);
    }
}

TEST_F(JournalDamage, EveryMemberIsRequiredWhateverTheChecksumSays) {
    for (const bool format_0 : {false, true}) {
        format_0 ? make_run_of_format_0() : make_run();
        const auto lines = lines_of(content_of(file_));
        ASSERT_TRUE(open()) << open().error().message;
        for (std::size_t number = 0; number < lines.size(); ++number) {
            const auto line = json::parse(lines[number]).as_object();
            for (const auto& [member, value] : line) {
                if (member == "crc32") continue;
                for (const bool renamed : {false, true}) {
                    auto damaged = line;
                    damaged.erase(member);
                    if (renamed) damaged["x" + std::string(member)] = value;
                    std::string text;
                    for (std::size_t index = 0; index < lines.size(); ++index) {
                        const auto now = format_0 ? json::serialize(damaged) : sealed(damaged);
                        text += (index == number ? now : lines[index]) + "\n";
                    }
                    write(file_, text);
                    const auto journal = open();
                    ASSERT_FALSE(journal) << lines[number] << " without " << member;
                    EXPECT_THAT(journal.error().message, HasSubstr(fmt::format("journal.jsonl:{}:", number + 1)));
                    expect_that_undo_destroys_nothing(lines[number]);
                }
            }
        }
    }
}

TEST_F(JournalDamage, JournalOfWhichNotEvenTheFirstLineIsWholeIsGoneOnWith) {
    make_run();
    const auto whole = content_of(file_);
    for (std::size_t length = 0; length < whole.find('\n') + 40; ++length) {
        write(file_, whole.substr(0, length));
        auto journal = open();
        ASSERT_TRUE(journal) << length << ": " << journal.error().message;
        EXPECT_THAT(journal->steps(), IsEmpty());
        ASSERT_TRUE(journal->commit());
        ASSERT_TRUE(journal->note({{"mode", "fix"}}));
        const auto again = open();
        ASSERT_TRUE(again) << length << ": " << again.error().message;
        EXPECT_EQ(again->summary().at("mode"), "fix");
    }
}

TEST_F(JournalDamage, NewerFormatIsRefusedByNameAndNeverGuessedAt) {
    make_run();
    auto lines = lines_of(content_of(file_));
    for (const auto& first : {sealed({{"format", 2}}), std::string(R"({"format":2,"sha256":"..."})")}) {
        write(file_, first + "\n" + lines[1] + "\n");
        for (const auto damage : {Damage::refuse, Damage::skip}) {
            const auto journal = open(damage);
            ASSERT_FALSE(journal);
            EXPECT_EQ(journal.error().kind, ErrorKind::unsupported);
            EXPECT_THAT(journal.error().message, AllOf(HasSubstr("journal.jsonl:1:"), HasSubstr("format 2")));
        }
    }
}

TEST_F(JournalDamage, WhatIsUndamagedCanBeUndoneOnRequest) {
    make_run();
    auto text = content_of(file_);
    text.replace(text.find("some-cause"), 1, "S");  // step 1
    write(file_, text);
    ASSERT_FALSE(open());
    auto journal = open(Damage::skip);
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_THAT(journal->damage(), ElementsAre(HasSubstr("journal.jsonl:2:"), HasSubstr("journal.jsonl:3:")));
    JournalStep step;
    EXPECT_FALSE(journal->begin(step)) << "no run goes on with it";
    auto machine = changed_machine();
    undo(*journal, machine);
    EXPECT_EQ(machine.files().read(conf).value(), "after\n") << "the damaged step";
    EXPECT_FALSE(machine.files().status("/etc/new"));
    EXPECT_EQ(machine.services().find("agent")->start, machine::StartType::automatic);
}

TEST_F(JournalDamage, JournalOfFormat0IsStillUndone) {
    make_run_of_format_0();
    auto journal = open();
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_FALSE(journal->has_uncommitted_steps());
    auto machine = changed_machine();
    undo(*journal, machine);
    EXPECT_EQ(machine.files().read(conf).value(), "before\n");
    EXPECT_FALSE(machine.files().status("/etc/new"));
    const auto again = open();
    ASSERT_TRUE(again) << "what was added to it can be read: " << again.error().message;
    EXPECT_EQ(again->steps().at(0).outcome, StepOutcome::undone);
}

TEST_F(JournalDamage, StepOfFormat0ThatSaidEditNeverDeletes) {
    make_run_of_format_0();
    auto text = content_of(file_);
    const std::string before = R"("before":{"text":"before\n"})";
    text.replace(text.find(before), before.size(), R"("before":null)");
    write(file_, text);
    EXPECT_FALSE(open());
    expect_that_undo_destroys_nothing("before is null");
}

TEST_F(JournalDamage, FlippedByteOfFormat0NeverDeletesTheEditedFile) {
    make_run_of_format_0();
    const auto whole = content_of(file_);
    for (std::size_t index = 0; index < whole.size(); ++index) {
        auto damaged = whole;
        damaged[index] = static_cast<char>(damaged[index] ^ 1);
        write(file_, damaged);
        auto machine = changed_machine();
        if (auto journal = open(Damage::skip)) undo(*journal, machine);
        const auto content = machine.files().read(conf);
        ASSERT_TRUE(content) << index;
        EXPECT_THAT(*content, SizeIs(AnyOf(6, 7, 8))) << "neither deleted nor truncated: byte " << index;
    }
}

TEST_F(JournalDamage, DamagedBase64IsNeverWritten) {
    for (const auto* encoded : {"QUJD*EVG", "QUJDREVG=", "QUJ", "QUJDRE==", "QUJDREVG\\u0000"}) {
        const auto slot = file_content_slot(conf, 0600);
        auto machine = make_machine("after\n");
        const auto value = json::parse(fmt::format(R"({{"base64":"{}"}})", encoded));
        EXPECT_FALSE(slot->write(machine, value)) << encoded;
        EXPECT_EQ(machine.files().read(conf).value(), "after\n");
    }
}

/// The steps of an interrupted fix.
void change_and_die(machine::Machine& machine, Journal& journal, const std::string& path) {
    Changes changes(machine, &journal, "some-cause", Changes::Mode::apply);
    ASSERT_TRUE(changes.write_file(path, "half a fix\n"));
}

TEST_F(JournalDamage, InterruptedRunIsFoundWhateverItsClockSaid) {
    auto machine = make_machine("before\n");
    const auto now = std::chrono::system_clock::time_point(std::chrono::hours(24 * 365));
    auto future = Journal::create(state_.path(), now + std::chrono::hours(12)).value();
    Changes changes(machine, &future, "some-cause", Changes::Mode::apply);
    ASSERT_TRUE(changes.write_file("/etc/other", "fixed\n"));
    ASSERT_TRUE(future.commit());
    ASSERT_TRUE(future.note({{"mode", "fix"}}));
    EXPECT_FALSE(any_run_was_interrupted(state_.path()));
    auto interrupted = Journal::create(state_.path(), now).value();
    change_and_die(machine, interrupted, conf);
    EXPECT_THAT(Journal::runs(state_.path()), ElementsAre(future.run_id(), interrupted.run_id())) << "as they began";
    EXPECT_TRUE(any_run_was_interrupted(state_.path()));
    const auto recovery = roll_back_interrupted_runs(state_.path(), machine, [](const std::string&) {});
    ASSERT_TRUE(recovery);
    EXPECT_THAT(recovery->notices, IsEmpty());
    EXPECT_EQ(machine.files().read(conf).value(), "before\n");
    EXPECT_EQ(machine.files().read("/etc/other").value(), "fixed\n");
    ASSERT_TRUE(recovery->journal) << "the run goes on with it";
    EXPECT_EQ(recovery->journal->run_id(), interrupted.run_id());
}

TEST_F(JournalDamage, EveryInterruptedRunIsRolledBackNotOnlyTheNewest) {
    auto machine = make_machine("before\n");
    auto first = Journal::create(state_.path(), {}).value();
    change_and_die(machine, first, conf);
    auto second = Journal::create(state_.path(), {}).value();
    change_and_die(machine, second, "/etc/other");
    ASSERT_TRUE(second.commit());
    ASSERT_TRUE(second.note({{"mode", "fix"}}));
    const auto recovery = roll_back_interrupted_runs(state_.path(), machine, [](const std::string&) {});
    ASSERT_TRUE(recovery);
    EXPECT_EQ(machine.files().read(conf).value(), "before\n");
    EXPECT_TRUE(machine.files().status("/etc/other"));
    EXPECT_FALSE(recovery->journal) << "nobody goes on with an older one";
    EXPECT_FALSE(any_run_was_interrupted(state_.path()));
}

TEST_F(JournalDamage, WhatCannotBeReadOrRolledBackIsSaid) {
    make_run();
    auto text = content_of(file_);
    text.replace(text.find("some-cause"), 1, "S");
    write(file_, text);
    auto machine = changed_machine();
    auto stuck = Journal::create(state_.path(), {}).value();
    JournalStep step{.remediation = "some-cause",
                     .description = "set start type of gone from manual to automatic",
                     .slot = {{"kind", "no-such-kind"}},
                     .before = "manual",
                     .after = "automatic"};
    ASSERT_TRUE(stuck.begin(step));
    EXPECT_TRUE(any_run_was_interrupted(state_.path()));
    const auto recovery = roll_back_interrupted_runs(state_.path(), machine, [](const std::string&) {});
    ASSERT_TRUE(recovery);
    EXPECT_FALSE(recovery->journal);
    EXPECT_THAT(recovery->notices,
                ElementsAre(AllOf(HasSubstr(stuck.run_id()), HasSubstr("could not be rolled back")),
                            AllOf(HasSubstr(id_), HasSubstr("damaged"), HasSubstr("--despite-damage"))));
    EXPECT_EQ(machine.files().read(conf).value(), "after\n") << "a damaged journal changes nothing unasked";
}

TEST_F(JournalDamage, ValueThatAToolRewroteGoesBackToWhatStoodBeforeTheTool) {
    const machine::RegistryValue before{machine::RegistryType::string, std::string("True")};
    const machine::RegistryValue fresh{machine::RegistryType::string, std::string("False")};
    const auto value = [](machine::Machine& machine) { return machine.registry().value("HKLM\\A", "flag").value(); };
    for (const int crash_after : {0, 1, 2}) {  // the tool, the begin of the step behind it, the step
        auto machine = make_machine("before\n");
        auto journal = Journal::create(state_.path(), {}).value();
        Changes changes(machine, &journal, "some-cause", Changes::Mode::apply);
        ASSERT_TRUE(changes.keep_registry_value("HKLM\\A", "flag"));
        (void)changes.run_tool({"/bin/tool", {"-install"}}, "installs");
        ASSERT_TRUE(machine.registry().set_value("HKLM\\A", "flag", fresh));  // what the tool does
        if (crash_after > 0) {
            ASSERT_TRUE(changes.set_registry_value("HKLM\\A", "flag", before));
        }
        if (crash_after == 1) {
            ASSERT_TRUE(machine.registry().set_value("HKLM\\A", "flag", fresh));
        }
        auto reopened = Journal::open(state_.path(), journal.run_id()).value();
        undo(reopened, machine);
        EXPECT_EQ(value(machine), before) << crash_after;
        ASSERT_TRUE(machine.registry().set_value("HKLM\\A", "flag", fresh));  // by an admin, later
        auto again = Journal::open(state_.path(), journal.run_id()).value();
        undo(again, machine);
        EXPECT_EQ(value(machine), fresh) << "once it was put back, it is somebody else's";
    }
}

TEST_F(JournalDamage, OnlyTheNewestQuarantinesAreKept) {
    auto machine = make_machine("before\n");
    std::vector<std::string> runs;
    for (int count = 0; count < 12; ++count) {
        auto journal = Journal::create(state_.path(), {}).value();
        Changes changes(machine, &journal, "some-cause", Changes::Mode::apply);
        const auto path = fmt::format("/etc/stale{}", count);
        ASSERT_TRUE(machine.files().write(path, "x"));
        ASSERT_TRUE(changes.quarantine(path));
        write(journal.folder() / "quarantine" / "file", "x");  // the recorded machine has none on this disk
        ASSERT_TRUE(journal.commit());
        runs.push_back(journal.run_id());
    }
    for (std::size_t index = 0; index < runs.size(); ++index) {
        EXPECT_EQ(std::filesystem::exists(state_.path() / "runs" / runs[index] / "quarantine"), index >= 2) << index;
    }
    auto oldest = Journal::open(state_.path(), runs.front()).value();
    const auto undone = undo(oldest, machine);
    EXPECT_EQ(undone.at(0).result, UndoneStep::Result::left_alone);
    EXPECT_THAT(undone.at(0).detail, HasSubstr("removed from the quarantine"));
}

/// A machine on which /data is another file system than the root, with this much room there.
machine::Machine machine_with_room(const tests::TemporaryFolder& capture, std::uint64_t free) {
    write(capture.path() / "files/data/tree/inner/file", std::string(1000, 'x'));
    write(capture.path() / "facts.json",
          fmt::format(R"({{"schema":1,"system":{{"platform":"linux"}},"complete":["files"],
              "mounts":[{{"source":"/dev/sda1","target":"/","type":"ext4","options":["rw"]}},
                        {{"source":"/dev/sdb1","target":"/data","type":"ext4","options":["rw"]}}],
              "spaces":{{"/state":{{"total_bytes":10000,"free_bytes":{},"total_inodes":0,"free_inodes":0}}}}}})",
                      free));
    return machine::recorded::load(capture.path()).value();
}

TEST(QuarantineRoom, ATenthOfTheFileSystemStaysFree) {
    for (const auto& [free, fits] : {std::pair(2000U, true), std::pair(1999U, false), std::pair(500U, false)}) {
        const tests::TemporaryFolder capture;
        const auto machine = machine_with_room(capture, free);
        const auto room = check_room_in_quarantine(machine, "/data/tree", "/state");
        EXPECT_EQ(bool(room), fits) << free;
        if (!room) {
            EXPECT_EQ(room.error().kind, ErrorKind::refused);
        }
        EXPECT_TRUE(check_room_in_quarantine(machine, "/data/tree", "/data/state")) << "a rename needs no room";
    }
}

TEST_F(JournalDamage, FileThatUndoCouldNotReadIsNotWritten) {
    auto machine = make_machine("before\n");
    auto journal = Journal::create(state_.path(), {}).value();
    Changes changes(machine, &journal, "some-cause", Changes::Mode::apply);
    EXPECT_EQ(changes.write_file("/etc/new", std::string(largest_file_content + 1, 'x')).error().kind,
              ErrorKind::too_large);
    EXPECT_THAT(changes.steps(), IsEmpty());
    ASSERT_TRUE(changes.write_file("/etc/new", std::string(std::size_t{5} << 20, 'x'))) << "more than 4 MiB";
    const auto undone = undo(journal, machine);
    EXPECT_EQ(undone.at(0).result, UndoneStep::Result::undone) << undone.at(0).detail;
    EXPECT_FALSE(machine.files().status("/etc/new"));
}

TEST_F(JournalDamage, PlanSaysWhatCannotBeUndone) {
    auto machine = make_machine("before\n");
    Changes plan(machine, nullptr, "some-cause", Changes::Mode::plan);
    ASSERT_TRUE(plan.write_file(conf, "after\n"));
    ASSERT_TRUE(plan.restart_service("agent"));
    ASSERT_TRUE(plan.run_tool({"/bin/tool", {"-install"}}, "installs"));
    machine::Process hung;
    hung.pid = 7;
    hung.name = "hung";
    ASSERT_TRUE(plan.end_process(hung));
    ASSERT_TRUE(plan.thaw("/data"));
    std::vector<PlannedStep::Undo> undo;
    for (const auto& step : plan.steps()) undo.push_back(step.undo);
    using enum PlannedStep::Undo;
    EXPECT_THAT(undo, ElementsAre(puts_back, needs_nothing, cannot, cannot, cannot));
}

TEST_F(JournalDamage, AccountWhosePasswordNobodyKnowsIsNotPutBack) {
    const auto file = capture_.path() / "facts.json";
    for (const auto& [account, reversible] :
         {std::pair("S-1-5-18", true), std::pair("NT Service\\\\A", true), std::pair("S-1-5-80-1-2-3-4-5", true),
          std::pair("S-1-5-21-1-2-3-1001", false), std::pair("EXAMPLE\\\\admin", false)}) {
        write(file, fmt::format(R"({{"schema":1,"system":{{"platform":"windows"}},"complete":["services"],
            "services":{{"MSDTC":{{"name":"MSDTC","state":"running","start":"automatic","account":"{}"}}}}}})",
                                account));
        auto machine = machine::recorded::load(capture_.path()).value();
        const auto before = machine.services().find("MSDTC").value().account;
        auto journal = Journal::create(state_.path(), {}).value();
        Changes changes(machine, &journal, "some-cause", Changes::Mode::apply);
        ASSERT_TRUE(changes.set_service_account("MSDTC", "S-1-5-20"));
        EXPECT_EQ(changes.steps().at(0).undo, reversible ? PlannedStep::Undo::puts_back : PlannedStep::Undo::cannot)
            << account;
        const auto undone = undo(journal, machine);
        EXPECT_EQ(undone.at(0).result, reversible ? UndoneStep::Result::undone : UndoneStep::Result::left_alone)
            << account;
        EXPECT_EQ(machine.services().find("MSDTC").value().account, reversible ? before : "S-1-5-20");
        EXPECT_EQ(undone.at(0).detail.empty(), reversible) << undone.at(0).detail;
    }
}

}  // namespace
}  // namespace remediations::journal_damage_test
