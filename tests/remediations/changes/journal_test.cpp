#include "remediations/changes/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "remediations/changes/changes.hpp"
#include "remediations/changes/undo.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "tests/temporary_folder.hpp"

namespace remediations::journal_test {
namespace {

using Outcome = UndoneStep::Result;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto conf = "/etc/waagent.conf";

/// A recorded machine with one file, one Windows-like service and one registry value, and a run on it.
class JournalTest : public testing::Test {
protected:
    static void write(const std::filesystem::path& path, std::string_view text) {
        std::ofstream(path, std::ios::binary) << text;
    }

    machine::Machine make_machine() const {
        std::filesystem::create_directories(capture_.path() / "files/etc");
        write(capture_.path() / "files/etc/waagent.conf", "before\n");
        write(capture_.path() / "facts.json", R"({"schema":1,"system":{"platform":"linux"},
            "complete":["files","services","registry"],
            "services":{"MSDTC":{"name":"MSDTC","state":"running","start":"automatic","account":"S-1-5-18"},
                        "agent":{"name":"agent","state":"running","restarts":false}},
            "mounts":[{"source":"/dev/sdb1","target":"/data","type":"ext4","options":["rw"]},
                      {"source":"/dev/sda1","target":"/data","type":"ext4","options":["rw","noexec"]}],
            "processes":[{"pid":7,"name":"dd","blocked_in":"__sb_start_write"}],
            "registry":{"HKLM\\A":{"values":{"flag":{"type":1,"data":"True"}}},
                        "HKLM\\A\\B":{"values":{"list":{"type":7,"data":["x","y"]},"bytes":{"type":3,"data":[0,255]}}}}})");
        return machine::recorded::load(capture_.path()).value();
    }

    std::filesystem::path journal_file() const { return state_.path() / "runs" / journal_.run_id() / "journal.jsonl"; }

    std::vector<Outcome> undo_reopened() {
        auto reopened = Journal::open(state_.path(), journal_.run_id());
        if (!reopened) throw std::runtime_error(reopened.error().message);
        std::vector<Outcome> results;
        for (const auto& step : undo(*reopened, machine_)) results.push_back(step.result);
        return results;
    }

    tests::TemporaryFolder capture_;
    tests::TemporaryFolder state_;
    machine::Machine machine_ = make_machine();
    Journal journal_ = Journal::create(state_.path(), std::chrono::system_clock::time_point{}).value();
    Changes changes_{machine_, &journal_, "some-cause", Changes::Mode::apply};
};

TEST_F(JournalTest, RunIdsSortByTimeAndAreUnique) {
    const auto second = Journal::create(state_.path(), std::chrono::system_clock::time_point{});
    ASSERT_TRUE(second);
    EXPECT_EQ(journal_.run_id(), "19700101T000000Z-0001");
    EXPECT_EQ(second->run_id(), "19700101T000000Z-0002");
}

TEST_F(JournalTest, WhatWasThereBeforeIsOnDiskBeforeTheChangeIsMade) {
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    const auto reopened = Journal::open(state_.path(), journal_.run_id());
    ASSERT_TRUE(reopened) << reopened.error().message;
    ASSERT_EQ(reopened->steps().size(), 1U);
    const auto& step = reopened->steps().front();
    EXPECT_EQ(step.before, to_slot_value(std::string("before\n")));
    EXPECT_EQ(step.after, to_slot_value(std::string("after\n")));
    EXPECT_EQ(step.outcome, StepOutcome::done);
    EXPECT_EQ(step.description, "edit /etc/waagent.conf");
}

TEST_F(JournalTest, UndoBringsBackEverySlotAndTwiceIsHarmless) {
    const auto key = std::string("HKLM\\A");
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    ASSERT_TRUE(changes_.write_file("/etc/new", "created\n"));
    ASSERT_TRUE(changes_.set_registry_value(key, "flag", {machine::RegistryType::string, "False"}));
    ASSERT_TRUE(changes_.set_registry_value(key, "fresh", {machine::RegistryType::dword, std::uint64_t{1}}));
    ASSERT_TRUE(changes_.remove_registry_key("HKLM\\A\\B"));
    ASSERT_TRUE(changes_.stop_service("MSDTC"));
    ASSERT_TRUE(changes_.set_service_start("MSDTC", machine::StartType::disabled));
    ASSERT_TRUE(changes_.set_service_account("MSDTC", "S-1-5-20"));
    ASSERT_TRUE(changes_.quarantine(conf));
    ASSERT_TRUE(machine_.files().write("/etc/drop-in.conf", "[Service]\n"));
    ASSERT_TRUE(changes_.quarantine_unit_file("/etc/drop-in.conf"));
    ASSERT_TRUE(changes_.create_link("/etc/link", "/opt/there"));
    EXPECT_EQ(machine_.files().link_target("/etc/link").value(), "/opt/there");
    EXPECT_EQ(machine_.files().status("/etc/drop-in.conf").error().kind, machine::ErrorKind::not_found);

    EXPECT_THAT(undo_reopened(), testing::Each(Outcome::undone));
    EXPECT_EQ(machine_.files().read(conf).value(), "before\n");
    EXPECT_EQ(machine_.files().read("/etc/drop-in.conf").value(), "[Service]\n");
    EXPECT_EQ(machine_.files().status("/etc/link").error().kind, machine::ErrorKind::not_found);
    EXPECT_EQ(machine_.files().status("/etc/new").error().kind, machine::ErrorKind::not_found);
    EXPECT_EQ(std::get<std::string>(machine_.registry().value(key, "flag")->data), "True");
    EXPECT_EQ(machine_.registry().value(key, "fresh").error().kind, machine::ErrorKind::not_found);
    const auto list = machine_.registry().value("HKLM\\A\\B", "list").value();
    EXPECT_EQ(list.type, machine::RegistryType::multi_string);
    EXPECT_THAT(std::get<std::vector<std::string>>(list.data), ElementsAre("x", "y"));
    EXPECT_THAT(std::get<std::vector<std::uint8_t>>(machine_.registry().value("HKLM\\A\\B", "bytes")->data),
                ElementsAre(0, 255));
    const auto service = machine_.services().find("MSDTC").value();
    EXPECT_EQ(service.start, machine::StartType::automatic);
    EXPECT_EQ(service.account, "S-1-5-18");
    EXPECT_EQ(service.state, machine::ServiceState::running);

    EXPECT_THAT(undo_reopened(), testing::Each(Outcome::already_so));
}

TEST_F(JournalTest, PermissionsComeBackWithAllTheirParts) {
    const auto permissions = [&] {
        const auto status = machine_.files().status(conf).value();
        return machine::FilePermissions{status.mode, status.uid, status.gid};
    };
    const auto before = permissions();
    ASSERT_TRUE(changes_.set_permissions(conf, {.mode = 0640, .uid = before.uid, .gid = before.gid}));
    ASSERT_TRUE(changes_.set_permissions(conf, {.mode = 0640, .uid = 7, .gid = 8}));
    ASSERT_TRUE(changes_.set_permissions(conf, {.mode = 01777, .uid = 0, .gid = 8}));
    EXPECT_THAT(
        descriptions_of(changes_.steps()),
        ElementsAre("set mode of /etc/waagent.conf from 0600 to 0640", "set owner of /etc/waagent.conf from 0:0 to 7:8",
                    "set owner of /etc/waagent.conf from 7:8 to 0:8, mode of /etc/waagent.conf from 0640 to 1777"));
    EXPECT_EQ(permissions(), (machine::FilePermissions{01777, 0, 8}));
    EXPECT_THAT(undo_reopened(), testing::Each(Outcome::undone));
    EXPECT_EQ(permissions(), before);
    EXPECT_EQ(changes_.set_permissions("/etc/absent", {}).error().kind, machine::ErrorKind::not_found);
}

TEST_F(JournalTest, AutomaticRestartIsTakenBack) {
    ASSERT_TRUE(changes_.set_service_restarts("MSDTC", true));
    EXPECT_THAT(journal_.steps(), IsEmpty()) << "it restarts already";
    ASSERT_TRUE(changes_.set_service_restarts("agent", true));
    EXPECT_THAT(descriptions_of(changes_.steps()), ElementsAre("turn automatic restart of agent on"));
    EXPECT_TRUE(machine_.services().find("agent")->restarts);
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
    EXPECT_FALSE(machine_.services().find("agent")->restarts);
}

TEST_F(JournalTest, MountOptionOfTheMountThatIsSeenComesBack) {
    const auto options = [&] { return machine_.mounts().list().value().back().options; };
    ASSERT_TRUE(changes_.remount("/data", "exec"));
    ASSERT_TRUE(changes_.remount("/data", "exec")) << "fulfilled";
    EXPECT_THAT(descriptions_of(changes_.steps()), ElementsAre("remount /data with exec instead of noexec"));
    EXPECT_THAT(options(), ElementsAre("rw"));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
    EXPECT_THAT(options(), testing::UnorderedElementsAre("rw", "noexec"));
    EXPECT_EQ(changes_.remount("/not-mounted", "exec").error().kind, machine::ErrorKind::not_found);
    EXPECT_EQ(changes_.remount("/data", "noload").error().kind, machine::ErrorKind::invalid);
}

TEST_F(JournalTest, APlanForeseesAMountOptionUnderEitherName) {
    Changes plan(machine_, nullptr, "some-cause", Changes::Mode::plan);
    ASSERT_TRUE(plan.remount("/data", "exec"));
    ASSERT_TRUE(plan.remount("/data", "exec"));
    ASSERT_TRUE(plan.remount("/data", "noexec"));
    EXPECT_THAT(descriptions_of(plan.steps()),
                ElementsAre("remount /data with exec instead of noexec", "remount /data with noexec instead of exec"));
}

TEST_F(JournalTest, AThawCannotBeTakenBack) {
    ASSERT_TRUE(changes_.thaw("/data"));
    EXPECT_THAT(descriptions_of(changes_.steps()), ElementsAre("thaw the file system at /data"));
    EXPECT_EQ(machine_.processes().list().value().front().blocked_in, "");
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::not_undoable));
    EXPECT_EQ(changes_.thaw("/not-mounted").error().kind, machine::ErrorKind::not_found);
}

TEST_F(JournalTest, RegistryValueThatWasRemovedComesBack) {
    ASSERT_TRUE(changes_.remove_registry_value("HKLM\\A", "absent")) << "fulfilled";
    ASSERT_TRUE(changes_.remove_registry_value("HKLM\\A", "flag"));
    EXPECT_THAT(descriptions_of(changes_.steps()), ElementsAre("remove registry value HKLM\\A\\flag"));
    EXPECT_EQ(machine_.registry().value("HKLM\\A", "flag").error().kind, machine::ErrorKind::not_found);
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
    EXPECT_EQ(std::get<std::string>(machine_.registry().value("HKLM\\A", "flag")->data), "True");
}

TEST_F(JournalTest, WhatSomebodyElseChangedSinceIsLeftAlone) {
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    ASSERT_TRUE(machine_.files().write(conf, "by an admin\n"));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::left_alone));
    EXPECT_EQ(machine_.files().read(conf).value(), "by an admin\n");
}

TEST_F(JournalTest, KeysThatCameWithAValueGoWithIt) {
    const machine::RegistryValue on{machine::RegistryType::dword, std::uint64_t{1}};
    ASSERT_TRUE(changes_.set_registry_value("HKLM\\A\\New\\Newer", "one", on));
    ASSERT_TRUE(changes_.set_registry_value("HKLM\\A\\New\\Newer", "two", on));
    ASSERT_TRUE(changes_.set_registry_value("HKLM\\A\\Used\\Newer", "three", on));
    ASSERT_TRUE(machine_.registry().set_value("HKLM\\A\\Used", "somebody else's", on));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone, Outcome::undone, Outcome::undone));
    EXPECT_EQ(machine_.registry().subkeys("HKLM\\A\\New").error().kind, machine::ErrorKind::not_found);
    EXPECT_EQ(machine_.registry().value_names("HKLM\\A\\Used").value(), std::vector<std::string>{"somebody else's"});
    EXPECT_TRUE(machine_.registry().value("HKLM\\A", "flag")) << "what was there before stays";
}

TEST_F(JournalTest, WhatBelongedToAServiceThatIsGoneIsLeftAlone) {
    ASSERT_TRUE(changes_.set_service_start("MSDTC", machine::StartType::manual));
    ASSERT_TRUE(changes_.restart_service("MSDTC"));
    ASSERT_TRUE(changes_.set_registry_value("HKLM\\A", "flag", {machine::RegistryType::string, std::string("False")}));
    const tests::TemporaryFolder without_it;
    write(without_it.path() / "facts.json", R"({"schema":1,"system":{"platform":"windows"},"complete":["services"],
        "registry":{"HKLM\\A":{"values":{"flag":{"type":1,"data":"False"}}}}})");
    machine_ = machine::recorded::load(without_it.path()).value();
    EXPECT_THAT(undo_reopened(),
                ElementsAre(Outcome::undone, Outcome::not_undoable, Outcome::left_alone, Outcome::left_alone));
    EXPECT_EQ(std::get<std::string>(machine_.registry().value("HKLM\\A", "flag")->data), "True");
}

TEST_F(JournalTest, TreeThatWasCreatedAgainIsNotOverwrittenByUndo) {
    ASSERT_TRUE(changes_.quarantine(conf));
    ASSERT_TRUE(machine_.files().write(conf, "created by the agent\n"));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::left_alone));
    EXPECT_EQ(machine_.files().read(conf).value(), "created by the agent\n");
}

TEST_F(JournalTest, CreatedFolderIsRemovedByUndo) {
    ASSERT_TRUE(changes_.create_folder("/etc/made", 0755));
    EXPECT_EQ(machine_.files().status("/etc/made")->mode, 0755U);
    EXPECT_THAT(descriptions_of(changes_.steps()), ElementsAre("create folder /etc/made"));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
    EXPECT_FALSE(machine_.files().status("/etc/made"));
}

TEST_F(JournalTest, CreatedFolderThatIsInUseStays) {
    ASSERT_TRUE(changes_.create_folder("/etc/made", 0755));
    ASSERT_TRUE(machine_.files().write("/etc/made/log", "line\n"));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::left_alone));
}

TEST_F(JournalTest, CrashBeforeTheChangeLeavesNothingToUndo) {
    auto slot = file_content_slot(conf, 0600);
    JournalStep step{.number = 0,
                     .remediation = "some-cause",
                     .description = "edit",
                     .slot = slot->identity(),
                     .before = to_slot_value(std::string("before\n")),
                     .after = to_slot_value(std::string("after\n")),
                     .action = {},
                     .subject = {},
                     .outcome = {}};
    ASSERT_TRUE(journal_.begin(step));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::already_so));
}

TEST_F(JournalTest, CrashAfterTheChangeIsUndone) {
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    std::ifstream in(journal_file(), std::ios::binary);
    std::string format;
    std::string begin;
    std::getline(in, format);
    std::getline(in, begin);
    in.close();
    write(journal_file(), format + "\n" + begin + "\n");
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
    EXPECT_EQ(machine_.files().read(conf).value(), "before\n");
}

TEST_F(JournalTest, LastLineTornByACrashIsIgnored) {
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    std::ofstream(journal_file(), std::ios::app) << R"({"step":2,"remedia)";
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
}

TEST_F(JournalTest, DamagedLineIsNamed) {
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    std::ofstream(journal_file(), std::ios::app | std::ios::binary) << "{\"step\":7}\n";
    const auto reopened = Journal::open(state_.path(), journal_.run_id());
    ASSERT_FALSE(reopened);
    EXPECT_EQ(reopened.error().kind, machine::ErrorKind::invalid);
    EXPECT_THAT(reopened.error().message, HasSubstr("journal.jsonl:4:"));
}

TEST_F(JournalTest, RunIdCannotLeadOutOfTheStateFolder) {
    EXPECT_EQ(Journal::open(state_.path(), "../../etc").error().kind, machine::ErrorKind::not_found);
}

TEST_F(JournalTest, RestartIsRepeatedOnlyWhenSomethingWasPutBack) {
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    ASSERT_TRUE(changes_.restart_service("MSDTC"));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::not_undoable, Outcome::undone, Outcome::undone));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::already_so, Outcome::already_so));
}

TEST_F(JournalTest, RestartThatACrashKeptUndoFromIsMadeUpFor) {
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    ASSERT_TRUE(changes_.restart_service("MSDTC"));
    ASSERT_TRUE(machine_.files().write(conf, "before\n"));
    ASSERT_TRUE(journal_.end(1, StepOutcome::undone));  // here the undo died
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::not_undoable, Outcome::already_so, Outcome::undone));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::already_so, Outcome::already_so));
}

TEST_F(JournalTest, GoesOnBehindALineTornByACrash) {
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    std::ofstream(journal_file(), std::ios::app) << R"({"step":2,"outc)";
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::already_so)) << "what undo wrote behind it can be read";
}

TEST_F(JournalTest, AfterALineThatCouldNotBeWrittenNothingMoreIsChanged) {
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    const auto kept = journal_file().string() + "-kept";
    std::filesystem::rename(journal_file(), kept);
    std::filesystem::create_directory(journal_file());
    EXPECT_FALSE(changes_.set_service_start("MSDTC", machine::StartType::disabled));
    std::filesystem::remove(journal_file());
    std::filesystem::rename(kept, journal_file());
    EXPECT_FALSE(changes_.set_service_start("MSDTC", machine::StartType::disabled));
    EXPECT_EQ(machine_.services().find("MSDTC")->start, machine::StartType::automatic);
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
}

/// What only Windows has.
class WindowsJournalTest : public testing::Test {
protected:
    machine::Machine make_machine() const {
        std::ofstream(capture_.path() / "facts.json") << R"x({"schema":1,"system":{"platform":"windows"},
            "files":{"C:\\Keys":{"status":{"kind":"directory"},"security":"O:SYG:SYD:AI(A;ID;FA;;;SY)"}},
            "services":{"a":{"name":"a","state":"running","pid":7}},
            "processes":[{"pid":7,"name":"a.exe","started":100}],
            "certificates":{"My":[{"thumbprint":"AB","subject":"CN=a","has_private_key":true,"key_file":"C:\\k"},
                                  {"thumbprint":"CD"}]}})x";
        return machine::recorded::load(capture_.path()).value();
    }

    std::vector<Outcome> undo_reopened() {
        auto reopened = Journal::open(state_.path(), journal_.run_id()).value();
        std::vector<Outcome> results;
        for (const auto& step : undo(reopened, machine_)) results.push_back(step.result);
        return results;
    }

    tests::TemporaryFolder capture_;
    tests::TemporaryFolder state_;
    machine::Machine machine_ = make_machine();
    Journal journal_ = Journal::create(state_.path(), std::chrono::system_clock::time_point{}).value();
    Changes changes_{machine_, &journal_, "some-cause", Changes::Mode::apply};
};

TEST_F(WindowsJournalTest, CertificateThatWasRemovedComesBackWithAllItsProperties) {
    const auto before = machine_.certificates().list("My").value();
    ASSERT_TRUE(changes_.remove_certificate("My", "EF")) << "fulfilled";
    ASSERT_TRUE(changes_.remove_certificate("My", "AB"));
    EXPECT_THAT(descriptions_of(changes_.steps()), ElementsAre("remove certificate AB from the computer's store My"));
    EXPECT_EQ(machine_.certificates().list("My")->size(), 1U);
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
    EXPECT_EQ(machine_.certificates().list("My").value(), before);
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::already_so));
}

TEST_F(WindowsJournalTest, CertificateThatSomebodyAddedAgainIsLeftAlone) {
    ASSERT_TRUE(changes_.remove_certificate("My", "AB"));
    ASSERT_TRUE(machine_.certificates().add(
        "My", R"({"thumbprint":"AB","subject":"","issuer":"","friendly_name":"other","not_before":0,"not_after":0,
                  "has_private_key":false,"key_file":""})"));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::left_alone));
}

TEST_F(WindowsJournalTest, AccessControlComesBackHoweverWindowsWritesIt) {
    const auto before = machine_.files().security("C:\\Keys").value();
    ASSERT_TRUE(changes_.set_security("C:\\Keys", "O:BAG:SYD:P(A;OICI;GA;;;SY)(A;;FR;;;WD)"));
    EXPECT_THAT(descriptions_of(changes_.steps()),
                ElementsAre("set owner and access control list of C:\\Keys from O:SYG:SYD:AI(A;ID;FA;;;SY) to "
                            "O:BAG:SYD:P(A;OICI;GA;;;SY)(A;;FR;;;WD)"));
    ASSERT_TRUE(machine_.files().set_security(
        "C:\\Keys", "O:S-1-5-32-544G:S-1-5-18D:PAI(A;OICI;0x1f01ff;;;S-1-5-18)(A;;0x120089;;;S-1-1-0)"));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
    EXPECT_EQ(machine_.files().security("C:\\Keys").value(), before);
}

TEST_F(WindowsJournalTest, AccessControlOfWhichAPartWasSetComesBackWhole) {
    ASSERT_TRUE(changes_.set_security("C:\\Keys", "D:P(A;;FA;;;BA)"));
    ASSERT_TRUE(machine_.files().set_security("C:\\Keys", "O:SYG:SYD:P(A;;FA;;;BA)"));  // the rest, as Windows keeps it
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
    EXPECT_EQ(machine_.files().security("C:\\Keys").value(), "O:SYG:SYD:AI(A;ID;FA;;;SY)");
}

TEST_F(WindowsJournalTest, AccessControlThatSomebodyElseChangedIsLeftAlone) {
    ASSERT_TRUE(changes_.set_security("C:\\Keys", "O:SYG:SYD:P(A;;FA;;;SY)"));
    ASSERT_TRUE(machine_.files().set_security("C:\\Keys", "O:SYG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)"));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::left_alone));
}

TEST_F(WindowsJournalTest, AnEndedProcessDoesNotComeBack) {
    const auto process = machine_.processes().list()->front();
    auto earlier = process;
    earlier.started -= std::chrono::seconds(1);
    EXPECT_EQ(changes_.end_process(earlier).error().kind, machine::ErrorKind::refused);
    ASSERT_TRUE(changes_.end_process(process));
    EXPECT_EQ(changes_.steps().back().description, "end a.exe (process 7)");
    EXPECT_THAT(machine_.processes().list().value(), IsEmpty());
    EXPECT_EQ(machine_.services().find("a")->state, machine::ServiceState::stopped);
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::not_undoable, Outcome::not_undoable));
}

/// What a crash in the middle of each write can leave is still ours.
TEST(Slot, KnowsWhatACrashLeavesInBetween) {
    const auto permissions = [](unsigned mode, unsigned uid) {
        return to_slot_value(machine::FilePermissions{mode, uid, uid});
    };
    const auto folder = permissions_slot("/x");
    const auto before = permissions(06755, 1000);
    const auto after = permissions(0700, 0);
    EXPECT_TRUE(folder->is_between(permissions(06755, 0), before, after));
    EXPECT_TRUE(folder->is_between(permissions(0755, 0), before, after)) << "a new owner clears the set-id bits";
    EXPECT_FALSE(folder->is_between(permissions(0755, 7), before, after));
    EXPECT_FALSE(folder->is_between(permissions(0777, 0), before, after));

    const auto start = service_start_slot("x");
    using enum machine::StartType;
    EXPECT_TRUE(start->is_between(to_slot_value(manual), to_slot_value(disabled), to_slot_value(automatic)));
    EXPECT_FALSE(start->is_between(to_slot_value(automatic), to_slot_value(disabled), to_slot_value(manual)));

    const auto key = registry_key_slot("HKLM\\A");
    const auto tree = boost::json::parse(R"({"values":{"a":{"type":4,"data":1},"b":{"type":4,"data":2}},
                                             "subkeys":{"c":{"values":{"d":{"type":3,"data":[1]}},"subkeys":{}}}})");
    EXPECT_TRUE(key->is_between(boost::json::parse(R"({"values":{"b":{"type":4,"data":2}},"subkeys":{}})"), tree, {}));
    EXPECT_FALSE(key->is_between(boost::json::parse(R"({"values":{"b":{"type":4,"data":3}},"subkeys":{}})"), tree, {}));
    EXPECT_FALSE(key->is_between(boost::json::parse(R"({"values":{"e":{"type":4,"data":2}},"subkeys":{}})"), tree, {}));
}

TEST_F(JournalTest, StepWhoseWishIsFulfilledIsNotRecorded) {
    ASSERT_TRUE(changes_.write_file(conf, "before\n"));
    ASSERT_TRUE(changes_.start_service("MSDTC"));
    EXPECT_THAT(descriptions_of(changes_.steps()), IsEmpty());
    EXPECT_THAT(journal_.steps(), IsEmpty());
}

TEST_F(JournalTest, PlanTouchesNothingAndForeseesItsOwnSteps) {
    Changes plan(machine_, nullptr, "some-cause", Changes::Mode::plan);
    ASSERT_TRUE(plan.stop_service("MSDTC"));
    ASSERT_TRUE(plan.restart_service("MSDTC"));
    ASSERT_TRUE(plan.write_file(conf, "after\n"));
    ASSERT_TRUE(plan.write_file(conf, "after\n"));
    EXPECT_THAT(descriptions_of(plan.steps()),
                ElementsAre("stop service MSDTC", "start service MSDTC", "edit /etc/waagent.conf"));
    EXPECT_EQ(machine_.files().read(conf).value(), "before\n");
    EXPECT_EQ(machine_.services().find("MSDTC")->state, machine::ServiceState::running);
    EXPECT_THAT(Journal::runs(state_.path()), IsEmpty());
}

TEST_F(JournalTest, BytesThatAreNoTextComeBackExactly) {
    const std::string bytes("\x00\xFF\xC3(\n", 5);
    ASSERT_TRUE(machine_.files().write(conf, bytes));
    ASSERT_TRUE(changes_.write_file(conf, "after\n"));
    EXPECT_THAT(undo_reopened(), ElementsAre(Outcome::undone));
    EXPECT_EQ(machine_.files().read(conf).value(), bytes);
}

TEST(Slot, IdentityThatIsNoSlotIsNamed) {
    for (const auto* identity :
         {R"({})", R"({"kind":"file-content"})", R"({"kind":"location","from":"/a"})",
          R"({"kind":"service-start","service":7})", R"({"kind":"permissions"})", R"({"kind":"security"})",
          R"({"kind":"certificate","store":"My"})", R"({"kind":"mount-option","target":"/a"})",
          R"({"kind":"service-restarts"})", R"({"kind":"folder","path":"/a"})",
          R"({"kind":"file-content","path":"/a","mode":"384"})", R"({"kind":"folder","path":"/a","mode":65535})",
          R"({"kind":"firewall-rule","tool":"ufw"})", R"({"kind":"link"})", R"({"kind":"unit-file","from":"/a"})",
          R"({"kind":"host-route","program":"/sbin/ip"})", R"({"kind":"shell"})"}) {
        const auto slot = make_slot(boost::json::parse(identity).as_object());
        ASSERT_FALSE(slot) << identity;
        EXPECT_EQ(slot.error().kind, machine::ErrorKind::invalid);
        EXPECT_THAT(slot.error().message, HasSubstr("journal:"));
    }
}

}  // namespace
}  // namespace remediations::journal_test
