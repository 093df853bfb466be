#include "remediations/machine/recorded/capture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <tuple>

#include "remediations/machine/recorded/redact.hpp"
#include "tests/temporary_folder.hpp"

namespace machine::recorded::capture_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CaptureTest : public testing::Test {
protected:
    void facts(std::string_view text) const { std::ofstream(folder_.path() / "facts.json") << text; }
    void file(const std::filesystem::path& place, std::string_view text) const {
        std::filesystem::create_directories((folder_.path() / "files" / place).parent_path());
        std::ofstream(folder_.path() / "files" / place, std::ios::binary) << text;
    }
    Machine loaded() const {
        auto machine = load(folder_.path());
        if (!machine) throw std::runtime_error(machine.error().message);
        return std::move(*machine);
    }
    std::string load_error() const { return load(folder_.path()).error().message; }

    tests::TemporaryFolder folder_;
};

TEST_F(CaptureTest, WhatWasNotAskedIsNotCaptured) {
    facts(R"({"schema":1,"system":{"platform":"linux"}})");
    const auto machine = loaded();
    EXPECT_EQ(machine.files().read("/etc/x").error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.services().find("x").error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.registry().value("HKLM\\x", "y").error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.processes().list().error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.mounts().list().error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.network().get({.host = "h", .port = 1, .path = "/", .headers = {}}).error().kind,
              ErrorKind::not_captured);
}

TEST_F(CaptureTest, WhatIsMissingFromACompleteSectionDoesNotExist) {
    facts(R"({"schema":1,"system":{"platform":"windows","system_drive":"C:"},"complete":["files","services","registry"],
              "registry":{"HKLM\\A\\B":{"values":{"Name":{"type":4,"data":7}}}}})");
    file("C/Folder/one.txt", "1");
    const auto machine = loaded();
    EXPECT_EQ(machine.files().read("C:\\Folder\\two.txt").error().kind, ErrorKind::not_found);
    EXPECT_EQ(machine.files().read("C:\\Folder\\one.txt").value(), "1");
    EXPECT_THAT(machine.files().list("C:\\Folder").value(), ElementsAre("one.txt"));
    EXPECT_EQ(machine.services().find("x").error().kind, ErrorKind::not_found);
    EXPECT_EQ(std::get<std::uint64_t>(machine.registry().value("hklm\\a\\b", "NAME")->data), 7U);
    EXPECT_THAT(machine.registry().subkeys("HKLM\\A").value(), ElementsAre("b"));
}

TEST_F(CaptureTest, WhatLiesBelowSomethingAbsentIsAbsentToo) {
    facts(R"({"schema":1,"system":{"platform":"linux"},"files":{
        "/var/lib/waagent":{"list":{"error":{"kind":"not_found","message":"gone"}}},
        "/etc":{"list":["hosts"]}}})");
    const auto machine = loaded();
    EXPECT_EQ(machine.files().read("/var/lib/waagent/a/b").error().kind, ErrorKind::not_found);
    EXPECT_EQ(machine.files().status("/etc/waagent.conf").error().kind, ErrorKind::not_found);
    EXPECT_EQ(machine.files().status("/etc/hosts").error().kind, ErrorKind::not_captured);
}

TEST_F(CaptureTest, EveryMistakeNamesFileAndPlace) {
    const std::pair<const char*, const char*> mistakes[] = {
        {"", "not JSON"},
        {R"({"schema":1,"system":{"platform":"linux"},"azure":{}})", "access"},
        {R"({"schema":1,"system":{"platform":"linux"},"azure":{"access":{"token":"x"}}})", "azure.access.token"},
        {"[]", "expected an object"},
        {R"({"schema":2})", "schema"},
        {R"({"schema":1})", "system"},
        {R"({"schema":1,"system":{"platform":"beos"}})", "system"},
        {R"({"schema":1,"system":{"platform":"linux","colour":1}})", "system.colour"},
        {R"({"schema":1,"system":{"platform":"linux"},"services":[]})", "services"},
        {R"({"schema":1,"system":{"platform":"linux"},"services":{"a":{"state":"dancing"}}})", R"(services["a"])"},
        {R"({"schema":1,"system":{"platform":"linux"},"processes":[{"pid":-1}]})", "processes"},
        {R"({"schema":1,"system":{"platform":"linux"},"processes":[{"pid":1},{"pids":1}]})", "processes[1].pids"},
        {R"({"schema":1,"system":{"platform":"linux"},"registry":{"k":{"values":{"v":{"type":1,"data":5}}}}})",
         R"(values["v"])"},
        {R"({"schema":1,"system":{"platform":"linux"},"commands":[{"command":["x"]}]})", "commands[0]"},
        {R"({"schema":1,"system":{"platform":"linux"},"commands":[{"command":["x"],"answer":{},"then":[{"command":["y"]}]}]})",
         "commands[0].then[0]"},
        {R"({"schema":1,"system":{"platform":"linux"},"commands":[{"command":["x"],"answer":{},"then":[
             {"command":["y"],"answer":{},"then":[]}]}]})",
         "commands[0].then[0].then"},
        {R"({"schema":1,"system":{"platform":"linux"},"spaces":{"/":{"free":1}}})", R"(spaces["/"].free)"},
        {R"({"schema":1,"system":{"platform":"linux"},"spaces":{"/":{"free_bytes":-1}}})", R"(spaces["/"])"},
        {R"({"schema":1,"system":{"platform":"linux"},"sources":{"a":7}})", R"(sources["a"])"},
        {R"({"schema":1,"system":{"platform":"linux"},"interfaces":[{"addresses":7}]})", "interfaces"},
        {R"({"schema":1,"system":{"platform":"linux"},"processes":[{"started":"now"}]})", "processes"},
        {R"({"schema":1,"system":{"platform":"linux"},"processes":[{"pid":1},{"modules":7}]})", "processes[1].modules"},
        {R"({"schema":1,"system":{"platform":"windows"},"files":{"C:\\x":{"version":{"number":"1.2.3"}}}})",
         ".version.number"},
        {R"({"schema":1,"system":{"platform":"windows"},"files":{"C:\\x":{"version":{"number":"1.2.3.65536"}}}})",
         ".version.number"},
        {R"({"schema":1,"system":{"platform":"windows"},"files":{"C:\\x":{"version":{"vendor":"x"}}}})",
         ".version.vendor"},
        {R"({"schema":1,"system":{"platform":"windows"},"files":{"C:\\x":{"security":7}}})", ".security"},
        {R"({"schema":1,"system":{"platform":"windows"},"events":[{},{"message":"x"}]})", "events[1].message"},
        {R"({"schema":1,"system":{"platform":"windows"},"events":[{"id":-1}]})", "events"},
        {R"({"schema":1,"system":{"platform":"windows"},"event_queries":{"System":[]}})", R"(event_queries["System"])"},
        {R"({"schema":1,"system":{"platform":"windows"},"certificates":{"My":[{"key":1}]}})",
         R"(certificates["My"][0].key)"},
        {R"({"schema":1,"system":{"platform":"windows"},"wmi":{}})", "wmi"},
        {R"({"schema":1,"system":{"platform":"windows"},"wmi":[{"namespace":"a","query":"b"}]})", "wmi[0]"},
        {R"({"schema":1,"system":{"platform":"windows"},"wmi":[{"namespace":"a","query":"b","answer":[{"x":7}]}]})",
         "wmi[0].answer"},
        {R"({"schema":1,"system":{"platform":"linux"},"files":{"/../etc":{}}})", R"(files["/../etc"])"},
        {R"({"schema":1,"system":{"platform":"linux"},"complete":["everything"]})", "complete"},
    };
    for (const auto& [text, place] : mistakes) {
        facts(text);
        EXPECT_THAT(load_error(), testing::AllOf(HasSubstr("facts.json"), HasSubstr(place))) << text;
    }
    facts(std::string(100'000, '['));
    EXPECT_THAT(load_error(), HasSubstr("facts.json"));
}

TEST_F(CaptureTest, NoCaptureIsAnErrorThatNamesIt) {
    EXPECT_THAT(load(folder_.path() / "absent").error().message, HasSubstr("absent"));
}

TEST_F(CaptureTest, SymbolicLinkInACaptureIsRefused) {
    facts(R"({"schema":1,"system":{"platform":"linux"}})");
    std::filesystem::create_directories(folder_.path() / "files/etc");
    std::error_code error;
    std::filesystem::create_symlink("/etc/hostname", folder_.path() / "files/etc/hostname", error);
    if (error) GTEST_SKIP() << "no symbolic link can be made here: " << error.message();
    EXPECT_THAT(load_error(), HasSubstr("symbolic link"));
}

TEST_F(CaptureTest, SecretsStayOutOfASavedCapture) {
    facts(R"({"schema":1,"system":{"platform":"linux"},"commands":[{"command":["/bin/x"],
        "answer":{"out":"https://a.blob.example/c?sv=1&sig=SECRET1%3D&se=2 AccountKey=SECRET2;"}}]})");
    file("var/lib/waagent/0.settings", R"({"protectedSettings": "SECRET3", "publicSettings": {"mode": "fix"}})");
    file("var/lib/waagent/ABCD.prv", "SECRET4");
    const auto original = loaded();
    auto recording = record(original);
    const std::vector<std::string> read{"/var/lib/waagent/0.settings", "/var/lib/waagent/ABCD.prv"};
    for (const auto& path : read) ASSERT_TRUE(recording.machine.files().read(path));
    ASSERT_TRUE(recording.machine.processes().query({"/bin/x", {}}));
    const auto target = folder_.path() / "saved";
    ASSERT_TRUE(save(*recording.capture, target));
    std::string everything;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(target)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream content(entry.path());
        everything.append(std::istreambuf_iterator<char>(content), {});
    }
    EXPECT_THAT(everything, Not(HasSubstr("SECRET")));
    EXPECT_THAT(everything, HasSubstr("\"mode\": \"fix\""));
    EXPECT_THAT(everything, HasSubstr("se=2"));
    EXPECT_FALSE(save(*recording.capture, target)) << "a folder with something in it must not be written to";
}

TEST_F(CaptureTest, RecordingNeverChangesTheMachine) {
    facts(R"({"schema":1,"system":{"platform":"linux"}})");
    const auto original = loaded();
    auto recording = record(original);
    EXPECT_EQ(recording.machine.files().write("/etc/x", "y").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.services().start("x").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.registry().remove_key("HKLM\\x").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.processes().run({"/bin/true", {}}).error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.files().set_permissions("/etc/x", {}).error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.services().set_restarts("x", true).error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.mounts().remount("/", "exec").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.mounts().thaw("/").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.files().set_security("/etc/x", "O:SY").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.processes().end(1, {}).error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.certificates().add("My", "x").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(recording.machine.certificates().remove("My", "x").error().kind, ErrorKind::unsupported);
}

TEST_F(CaptureTest, AnswersThatWereNotAskedForAreNotCapturedEither) {
    facts(R"({"schema":1,"system":{"platform":"linux"},"spaces":{"/":{"free_bytes":7}}})");
    const auto machine = loaded();
    EXPECT_EQ(machine.files().read_range("/etc/x", 0, 1).error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.files().space("/")->free_bytes, 7U);
    EXPECT_EQ(machine.files().space("/boot").error().kind, ErrorKind::not_captured) << "it may be another file system";
    EXPECT_EQ(machine.processes().query({"/bin/x", {}}).error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.network().source_address("168.63.129.16").error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.network().interfaces().error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.network().resolve("h", {}).error().kind, ErrorKind::not_captured);
}

TEST_F(CaptureTest, CompleteSectionsHaveTheUsual) {
    facts(R"({"schema":1,"system":{"platform":"linux"},"complete":["files","processes","commands","network"],
              "spaces":{"/var":{"free_bytes":1},"/var/log":{"error":{"kind":"timed_out"}}},
              "sources":{"10.1.1.1":"10.0.0.5","10.2.2.2":{"error":{"kind":"unreachable"}}},
              "names":{"h":["10.1.1.1"]}})");
    const auto machine = loaded();
    EXPECT_EQ(machine.files().space("/var/lib/waagent")->free_bytes, 1U);
    EXPECT_EQ(machine.files().space("/var/log/x").error().kind, ErrorKind::timed_out);
    for (const auto* elsewhere : {"/", "/variable", "/boot/efi"}) {
        EXPECT_EQ(machine.files().space(elsewhere)->free_bytes, std::uint64_t{20} << 30) << elsewhere;
        EXPECT_EQ(machine.files().space(elsewhere)->free_inodes, 1'500'000U);
    }
    EXPECT_TRUE(machine.processes().list()->empty());
    EXPECT_EQ(machine.processes().query({"/bin/x", {}}).error().kind, ErrorKind::not_found);
    const auto& network = machine.network();
    EXPECT_EQ(network.source_address("168.63.129.16").value(), "10.0.0.4");
    EXPECT_EQ(network.source_address("10.1.1.1").value(), "10.0.0.5");
    EXPECT_EQ(network.source_address("10.2.2.2").error().kind, ErrorKind::unreachable);
    EXPECT_EQ(network.interfaces()->at(1).addresses, std::vector<std::string>{"10.0.0.4"});
    EXPECT_EQ(network.get({.host = "h", .port = 1, .path = "/", .headers = {}}).error().kind, ErrorKind::timed_out);
    EXPECT_EQ(network.resolve("h", {})->size(), 1U);
    EXPECT_EQ(network.resolve("other", {}).error().kind, ErrorKind::not_found);
}

TEST_F(CaptureTest, SpaceOfAWindowsFolderHoldsBelowIt) {
    facts(R"({"schema":1,"system":{"platform":"windows","system_drive":"C:"},"complete":["files"],
              "spaces":{"C:":{"free_bytes":1}}})");
    EXPECT_EQ(loaded().files().space("C:\\Windows\\System32")->free_bytes, 1U);
    EXPECT_EQ(loaded().files().space("D:\\x")->free_bytes, std::uint64_t{20} << 30);
}

TEST_F(CaptureTest, EveryNewAnswerSurvivesSavingAndLoading) {
    facts(R"({"schema":1,"system":{"platform":"linux"},
              "processes":[{"pid":7,"name":"dd","started":1700000000,"blocked_in":"percpu_rwsem_wait"}],
              "services":{"a":{"name":"a","restarts":false,"restart_count":9}},
              "mounts":[{"source":"/dev/sda1","target":"/","type":"ext4","options":["rw"],"device":"8:1","root":"/sub"}],
              "http":{"h:80/":{"status":200,"date":"today"}},
              "spaces":{"/":{"total_bytes":9,"free_bytes":8,"total_inodes":7,"free_inodes":6}},
              "sources":{"10.1.1.1":"10.0.0.5"},
              "interfaces":[{"name":"eth0","mac":"00:0d:3a:00:00:01","up":true,"addresses":["10.0.0.5","fe80::1"]}]})");
    const auto original = loaded();
    auto recording = record(original);
    const auto ask = [](const Machine& machine) {
        return std::tuple(machine.processes().list().value(), machine.services().find("a").value(),
                          machine.mounts().list().value(), machine.files().space("/").value(),
                          machine.network().get({.host = "h", .port = 80, .path = "/", .headers = {}}).value(),
                          machine.network().source_address("10.1.1.1").value(), machine.network().interfaces().value());
    };
    const auto answers = ask(recording.machine);
    EXPECT_EQ(std::get<0>(answers).front().started, std::chrono::system_clock::from_time_t(1700000000));
    EXPECT_EQ(std::get<2>(answers).front().root, "/sub");
    ASSERT_TRUE(save(*recording.capture, folder_.path() / "saved"));
    EXPECT_EQ(ask(load(folder_.path() / "saved").value()), answers);
}

TEST_F(CaptureTest, WhatOnlyWindowsHasIsUnsupportedElsewhere) {
    facts(R"({"schema":1,"system":{"platform":"linux"},"processes":[{"pid":7}]})");
    file("etc/x", "1");
    auto machine = loaded();
    EXPECT_EQ(machine.files().security("/etc/x").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(machine.files().set_security("/etc/x", "O:SY").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(machine.files().version("/etc/x").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(machine.processes().modules(7).error().kind, ErrorKind::unsupported);
    EXPECT_EQ(machine.events().read({.channel = "System"}).error().kind, ErrorKind::unsupported);
    EXPECT_EQ(machine.certificates().list("My").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(machine.wmi().query("root\\cimv2", "x").error().kind, ErrorKind::unsupported);
}

TEST_F(CaptureTest, OfWindowsWhatWasNotAskedIsNotCaptured) {
    facts(R"({"schema":1,"system":{"platform":"windows"},"processes":[{"pid":7}]})");
    file("C/x", "1");
    const auto machine = loaded();
    EXPECT_EQ(machine.files().security("C:\\x").error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.files().version("C:\\x").error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.processes().modules(7).error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.events().read({.channel = "System"}).error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.certificates().list("My").error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.certificates().serialized("My", "AB").error().kind, ErrorKind::not_captured);
    EXPECT_EQ(machine.wmi().query("root\\cimv2", "x").error().kind, ErrorKind::not_captured);
}

TEST_F(CaptureTest, CompleteSectionsOfWindowsHaveTheUsual) {
    facts(R"({"schema":1,"system":{"platform":"windows"},
              "complete":["files","processes","events","certificates","wmi"],"processes":[{"pid":7}]})");
    file("C/x", "1");
    auto machine = loaded();
    EXPECT_EQ(machine.files().security("C:\\x").value(), "O:SYG:SYD:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)");
    EXPECT_EQ(machine.files().security("C:\\y").error().kind, ErrorKind::not_found);
    EXPECT_EQ(machine.files().version("C:\\x").error().kind, ErrorKind::invalid);
    EXPECT_EQ(machine.files().version("C:\\y").error().kind, ErrorKind::not_found);
    EXPECT_TRUE(machine.processes().modules(7)->empty());
    EXPECT_EQ(machine.processes().modules(8).error().kind, ErrorKind::not_found);
    EXPECT_TRUE(machine.events().read({.channel = "System"})->empty());
    EXPECT_TRUE(machine.certificates().list("My")->empty());
    EXPECT_EQ(machine.certificates().serialized("My", "AB").error().kind, ErrorKind::not_found);
    EXPECT_EQ(machine.certificates().remove("My", "AB").error().kind, ErrorKind::not_found);
    EXPECT_TRUE(machine.wmi().query("root\\cimv2", "x")->empty());
}

TEST_F(CaptureTest, EventsAreThoseOfTheQuery) {
    facts(R"({"schema":1,"system":{"platform":"windows","now":1000000},"complete":["events"],
              "event_queries":{"Setup":{"error":{"kind":"access_denied"}}},
              "events":[{"channel":"System","provider":"volsnap","id":25,"time":999000,"level":2,"data":["C:"]},
                        {"channel":"System","provider":"volsnap","id":36,"time":999900,"level":2},
                        {"channel":"System","provider":"Disk","id":25,"time":999950},
                        {"channel":"System","provider":"volsnap","id":25,"time":1,"data":["old"]},
                        {"channel":"Application","provider":"volsnap","id":25,"time":999950}]})");
    const auto machine = loaded();
    const auto ids = [&](const EventQuery& query) {
        std::vector<std::uint32_t> found;
        for (const auto& event : machine.events().read(query).value()) found.push_back(event.id);
        return found;
    };
    using std::chrono::seconds;
    EXPECT_THAT(ids({"system", {{"VOLSNAP", {25, 36}}}, seconds(5000)}), ElementsAre(36, 25)) << "newest first";
    EXPECT_THAT(ids({"System", {{"volsnap", {25}}, {"disk"}}, seconds(5000)}), ElementsAre(25, 25));
    EXPECT_THAT(ids({"System", {}, seconds(5000)}), ElementsAre(25, 36, 25));
    EXPECT_THAT(ids({"System", {{"volsnap"}}, seconds(5000), 1}), ElementsAre(36));
    EXPECT_THAT(ids({"System", {{"volsnap", {7}}}, seconds(5000)}), testing::IsEmpty());
    EXPECT_EQ(machine.events().read({"System", {{"volsnap", {25}}}, seconds(5000)})->front().data,
              std::vector<std::string>{"C:"});
    EXPECT_EQ(machine.events().read({.channel = "Setup"}).error().kind, ErrorKind::access_denied);
}

TEST_F(CaptureTest, AnswersOfWindowsSurviveSavingAndLoading) {
    facts(R"({"schema":1,"system":{"platform":"windows","now":1000000},"complete":["events"],
              "processes":[{"pid":7,"name":"a.exe","modules":["C:\\a.exe","C:\\b.dll"]},
                           {"pid":8,"modules":{"error":{"kind":"access_denied"}}}],
              "files":{"C:\\b.dll":{"status":{},"security":"O:SYG:SYD:P","version":{"number":"10.0.20348.1","company":"M","product":"W"}}},
              "events":[{"channel":"System","provider":"volsnap","id":25,"time":999000,"level":2,"data":["C:","x"]},
                        {"channel":"System","provider":"volsnap","id":25,"time":999000,"level":2,"data":["C:","x"]},
                        {"channel":"System","provider":"Disk","id":7,"time":999000}],
              "event_queries":{"Setup":{"error":{"kind":"not_found"}}},
              "certificates":{"My":[{"thumbprint":"AB","subject":"CN=a","issuer":"CN=b","friendly_name":"f",
                                     "not_before":1,"not_after":2,"has_private_key":true,"key_file":"C:\\k"}],
                              "Root":{"error":{"kind":"not_found"}}},
              "wmi":[{"namespace":"root\\cimv2","query":"SELECT a FROM b","answer":[{"a":"1"},{"a":"2"}]},
                     {"namespace":"root\\x","query":"q","answer":{"error":{"kind":"not_found"}}}]})");
    const auto original = loaded();
    auto recording = record(original);
    const EventQuery query{"System", {{"volsnap", {25}}}, std::chrono::hours(1), 10};
    const auto ask = [&](const Machine& machine) {
        EXPECT_EQ(machine.processes().modules(8).error().kind, ErrorKind::access_denied);
        EXPECT_EQ(machine.certificates().list("Root").error().kind, ErrorKind::not_found);
        EXPECT_EQ(machine.wmi().query("root\\x", "q").error().kind, ErrorKind::not_found);
        EXPECT_EQ(machine.events().read({.channel = "Setup"}).error().kind, ErrorKind::not_found);
        return std::tuple(machine.processes().list().value(), machine.processes().modules(7).value(),
                          machine.files().security("C:\\b.dll").value(), machine.files().version("C:\\b.dll").value(),
                          machine.events().read(query).value(), machine.certificates().list("my").value(),
                          machine.wmi().query("ROOT\\CIMV2", "SELECT a FROM b").value());
    };
    const auto answers = ask(recording.machine);
    EXPECT_EQ(ask(recording.machine), answers) << "a question asked twice is recorded once";
    EXPECT_EQ(std::get<3>(answers).number, (std::array<std::uint16_t, 4>{10, 0, 20348, 1}));
    EXPECT_EQ(std::get<4>(answers).size(), 2U) << "two events that are alike";
    EXPECT_EQ(std::get<5>(answers).front().not_after, std::chrono::system_clock::from_time_t(2));
    EXPECT_EQ(std::get<6>(answers).at(1).at("a"), "2");
    ASSERT_TRUE(save(*recording.capture, folder_.path() / "saved"));
    const auto machine = load(folder_.path() / "saved").value();
    EXPECT_EQ(ask(machine), answers);
    EXPECT_EQ(machine.events().read({.channel = "System"}).error().kind, ErrorKind::not_captured)
        << "a real capture holds the answers to what was asked";
}

TEST_F(CaptureTest, AnswersOfAzureSurviveSavingAndLoading) {
    facts(R"({"schema":1,"system":{"platform":"linux"},"azure":{
        "access":{"identity":"the VM's managed identity","is_of_vm":true,"cloud":"AzurePublicCloud","vm_id":"/VM"},
        "answers":{"GET /VM?$expand=x":{"status":200,"body":{"properties":{"vmId":"42","n":7,"no":null}}},
                   "POST /s/backupStatus {\"a\":1}":{"status":403,"code":"AuthorizationFailed","message":"no"},
                   "GET /late":{"error":{"kind":"timed_out","message":"later"}}}}})");
    const auto original = loaded();
    auto recording = record(original);
    const auto ask_all = [](const Machine& machine) {
        const auto& azure = machine.azure();
        const auto access = azure.access();
        ASSERT_TRUE(access) << access.error().message;
        EXPECT_EQ(access->vm_id, "/VM");
        const auto vm = azure.ask({.path = "/vm", .members = {}, .query = {{"$expand", "x"}}});
        ASSERT_TRUE(vm) << vm.error().message;
        EXPECT_EQ(vm->body.at("properties").at("vmId"), "42");
        const auto denied =
            azure.ask({.path = "/s/backupStatus", .members = {}, .method = "POST", .body = R"({"a":1})"});
        EXPECT_EQ(denied->code, "AuthorizationFailed");
        EXPECT_EQ(azure.ask({.path = "/late", .members = {}}).error().kind, ErrorKind::timed_out);
        EXPECT_EQ(azure.ask({.path = "/other", .members = {}}).error().kind, ErrorKind::not_captured);
    };
    ask_all(recording.machine);
    const tests::TemporaryFolder saved;
    ASSERT_TRUE(save(*recording.capture, saved.path() / "c"));
    const auto again = load(saved.path() / "c");
    ASSERT_TRUE(again) << again.error().message;
    ask_all(*again);
}

TEST_F(CaptureTest, WithoutAnAnswerOfAzureItIsNotToBeAsked) {
    facts(R"({"schema":1,"system":{"platform":"linux"},"complete":["azure"]})");
    const auto original = loaded();
    EXPECT_EQ(original.azure().access().error().kind, ErrorKind::unsupported);
    EXPECT_EQ(original.azure().ask({.path = "/x", .members = {}}).error().kind, ErrorKind::unsupported);
    auto recording = record(original);
    EXPECT_FALSE(recording.machine.azure().access());
    for (const auto& [place, content] : serialize(*recording.capture)) EXPECT_THAT(content, Not(HasSubstr("azure")));

    facts(R"({"schema":1,"system":{"platform":"linux"},"complete":["azure"],"azure":{"access":{"vm_id":"/vm"}}})");
    EXPECT_EQ(loaded().azure().ask({.path = "/x", .members = {}})->status, 404U);
}

TEST_F(CaptureTest, CertificatesProcessesAndAccessControlTakeChanges) {
    facts(R"x({"schema":1,"system":{"platform":"windows"},
               "files":{"C:\\x":{"status":{},"security":"O:SYG:SYD:P(A;;FA;;;SY)"}},
               "services":{"a":{"name":"a","state":"running","pid":7},"b":{"name":"b","state":"running","pid":8}},
               "processes":[{"pid":7,"name":"a.exe","started":100},{"pid":8,"name":"b.exe"}],
               "registry":{"HKLM\\A":{"values":{"x":{"type":4,"data":1}},"value_names":["X","y"]}},
               "certificates":{"My":[{"thumbprint":"CD"},{"thumbprint":"AB","friendly_name":"f"}]}})x");
    auto machine = loaded();
    const auto before = machine.certificates().list("My").value();
    EXPECT_EQ(before.front().thumbprint, "AB") << "sorted";
    const auto serialized = machine.certificates().serialized("my", "ab").value();
    ASSERT_TRUE(machine.certificates().remove("MY", "ab"));
    EXPECT_EQ(machine.certificates().list("My")->size(), 1U);
    EXPECT_EQ(machine.certificates().serialized("My", "AB").error().kind, ErrorKind::not_found);
    ASSERT_TRUE(machine.certificates().add("My", serialized));
    ASSERT_TRUE(machine.certificates().add("My", serialized)) << "replaces it";
    EXPECT_EQ(machine.certificates().list("My").value(), before);
    EXPECT_EQ(machine.certificates().add("My", "not a certificate").error().kind, ErrorKind::invalid);

    const auto start = std::chrono::system_clock::from_time_t(100);
    EXPECT_EQ(machine.processes().end(7, start + std::chrono::seconds(1)).error().kind, ErrorKind::refused);
    ASSERT_TRUE(machine.processes().end(7, start));
    EXPECT_EQ(machine.processes().list()->size(), 1U);
    EXPECT_EQ(machine.services().find("a")->state, ServiceState::stopped);
    EXPECT_EQ(machine.services().find("a")->pid, 0U);
    EXPECT_EQ(machine.services().find("b")->state, ServiceState::running);

    ASSERT_TRUE(machine.files().set_security("C:\\x", "D:P(A;;FR;;;WD)"));
    EXPECT_EQ(machine.files().security("C:\\x").value(), "D:P(A;;FR;;;WD)");
    EXPECT_EQ(machine.files().set_security("C:\\x", "rw-r--r--").error().kind, ErrorKind::invalid);
    EXPECT_EQ(machine.files().set_security("C:\\y", "D:P").error().kind, ErrorKind::not_captured);

    ASSERT_TRUE(machine.registry().remove_value("HKLM\\A", "x"));
    EXPECT_EQ(machine.registry().value("HKLM\\A", "x").error().kind, ErrorKind::not_found);
    EXPECT_THAT(machine.registry().value_names("HKLM\\A").value(), ElementsAre("y"));
    EXPECT_EQ(machine.registry().remove_value("HKLM\\A", "x").error().kind, ErrorKind::not_found);
}

/// A log of the given number of lines of 64 bytes; "line 000007 ....\n".
std::string log_of(int lines) {
    std::string text;
    for (int i = 0; i < lines; ++i) text += fmt::format("line {:06} {:.>51}\n", i, "");
    return text;
}

TEST_F(CaptureTest, OfAFileReadInRangesTheEndIsKept) {
    facts(R"({"schema":1,"system":{"platform":"linux"},"complete":["files"]})");
    const auto log = log_of(50'000) + "torn";
    const auto zip = std::string("PK\0", 3) + std::string(2 << 20, '\n');
    file("log", log);
    file("short", "a\nb");
    file("archive.zip", zip);
    file("both", log);
    const auto original = loaded();
    auto recording = record(original);
    const auto& files = recording.machine.files();
    EXPECT_EQ(files.read_range("/log", 70, 10).value(), log.substr(70, 10));
    EXPECT_EQ(files.status("/log")->size, log.size());
    EXPECT_EQ(files.read_range("/log", 0, 10).value(), log.substr(0, 10));
    ASSERT_TRUE(files.read_range("/short", 2, 10));
    ASSERT_TRUE(files.read_range("/archive.zip", 0, 4) && files.status("/archive.zip"));
    ASSERT_TRUE(files.read_range("/both", 0, 1) && files.read("/both"));
    EXPECT_FALSE(files.read("/log", 100));
    EXPECT_FALSE(files.read_range("/absent", 0, 1));
    ASSERT_TRUE(save(*recording.capture, folder_.path() / "saved"));

    const auto machine = load(folder_.path() / "saved").value();
    const auto kept = machine.files().read("/log").value();
    EXPECT_LE(kept.size(), std::size_t{1} << 20);
    EXPECT_GT(kept.size(), (std::size_t{1} << 20) - 64);
    EXPECT_TRUE(log.ends_with("\n" + kept)) << "from the start of a line to the end";
    EXPECT_EQ(machine.files().status("/log")->size, kept.size());
    EXPECT_EQ(machine.files().read_range("/log", kept.size() - 4, 100).value(), "torn");
    EXPECT_EQ(machine.files().read_range("/log", kept.size(), 1).value(), "");
    EXPECT_EQ(machine.files().read("/short").value(), "a\nb");
    EXPECT_TRUE(machine.files().read("/both").value() == log) << "it was read whole, too";
    EXPECT_EQ(machine.files().read("/archive.zip")->size(), std::size_t{1} << 20) << "a binary file has no lines";
    EXPECT_EQ(machine.files().read_range("/absent", 0, 1).error().kind, ErrorKind::not_found);
}

TEST_F(CaptureTest, TheSizeOfACutFileIsThatOfWhatIsLeftWithoutItsSecrets) {
    facts(R"({"schema":1,"system":{"platform":"linux"}})");
    file("log", log_of(40'000) + "https://h/?sig=SECRETSECRETSECRETSECRET&x\n");
    const auto original = loaded();
    auto recording = record(original);
    ASSERT_TRUE(recording.machine.files().status("/log"));
    ASSERT_TRUE(recording.machine.files().read_range("/log", 0, 1));
    ASSERT_TRUE(save(*recording.capture, folder_.path() / "saved"));
    const auto machine = load(folder_.path() / "saved").value();
    EXPECT_THAT(machine.files().read("/log").value(), testing::EndsWith("?sig=REDACTED&x\n"));
    EXPECT_EQ(machine.files().status("/log")->size, machine.files().read("/log")->size());
}

TEST_F(CaptureTest, WhatARunChangesHoldsAfterIt) {
    facts(R"({"schema":1,"system":{"platform":"linux"},"commands":[
              {"command":["/bin/get"],"answer":{"out":"old"}},
              {"command":["/bin/set","new"],"answer":{},"then":[{"command":["/bin/get"],"answer":{"out":"new"}}]}]})");
    auto machine = loaded();
    ASSERT_TRUE(machine.processes().query({"/bin/set", {"new"}}));
    EXPECT_EQ(machine.processes().query({"/bin/get", {}})->out, "old") << "a query changes nothing";
    ASSERT_TRUE(machine.processes().run({"/bin/set", {"new"}}));
    EXPECT_EQ(machine.processes().query({"/bin/get", {}})->out, "new");
}

TEST_F(CaptureTest, MountsAndPermissionsTakeChanges) {
    facts(R"({"schema":1,"system":{"platform":"linux"},"files":{"/dev/x":{"status":{"kind":"other"}}},
              "mounts":[{"target":"/tmp","options":["rw","nosuid","noexec"]}]})");
    file("etc/x", "1");
    auto machine = loaded();
    const auto options = [&] { return machine.mounts().list()->front().options; };
    ASSERT_TRUE(machine.mounts().remount("/tmp", "exec"));
    EXPECT_THAT(options(), ElementsAre("rw", "nosuid"));
    ASSERT_TRUE(machine.mounts().remount("/tmp", "ro"));
    EXPECT_THAT(options(), ElementsAre("ro", "nosuid"));
    EXPECT_EQ(machine.mounts().remount("/tmp", "relatime").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(machine.mounts().remount("/var", "exec").error().kind, ErrorKind::not_found);
    ASSERT_TRUE(machine.files().set_permissions("/etc/x", {.mode = 0640, .uid = 1, .gid = 2}));
    EXPECT_EQ(machine.files().status("/etc/x")->mode, 0640U);
    EXPECT_EQ(machine.files().status("/etc/x")->size, 1U);
    EXPECT_EQ(machine.files().set_permissions("/dev/x", {}).error().kind, ErrorKind::invalid);
    EXPECT_EQ(machine.files().set_permissions("/etc/y", {}).error().kind, ErrorKind::not_captured);
}

TEST(Redact, ReplacesTheSecretAndNothingElse) {
    const std::pair<const char*, const char*> cases[] = {
        {"nothing here", "nothing here"},
        {"?sig=abc%2F&x=1", "?sig=REDACTED&x=1"},
        {"SIG=abc", "SIG=REDACTED"},
        {"\"url?sig=abc\",\"next\"", "\"url?sig=REDACTED\",\"next\""},
        {R"("protectedSettings":"MIIB\/x==","a":1)", R"("protectedSettings":"REDACTED","a":1)"},
        {R"(\"protectedSettings\": \"MIIB\")", R"(\"protectedSettings\": \"REDACTED\")"},
        {R"("password":"a\"b\\","c":"d")", R"("password":"REDACTED","c":"d")"},
        {R"("x":"{\"password\":\"a\\\"b\\\\\",\"c\":1}")", R"("x":"{\"password\":\"REDACTED\",\"c\":1}")"},
        {R"("password":"torn\")", R"("password":"REDACTED)"},
        {R"("protectedSettings":null)", R"("protectedSettings":null)"},
        {"Authorization: Bearer eyJ0.x\nnext", "Authorization: Bearer REDACTED\nnext"},
        {"-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\nafter",
         "-----BEGIN PRIVATE KEY-----REDACTED-----END PRIVATE KEY-----\nafter"},
        {"-----BEGIN PRIVATE KEY-----\ntorn", "-----BEGIN PRIVATE KEY-----REDACTED"},
        {"http_proxy=http://me:se@cret@proxy:8080/x@y", "http_proxy=http://me:REDACTED@proxy:8080/x@y"},
        {"http://proxy:8080/a b@c https://u@h ://", "http://proxy:8080/a b@c https://u@h ://"},
        {"[wifi-security]\npsk=a b\nkey-mgmt=wpa-psk\n", "[wifi-security]\npsk=REDACTED\nkey-mgmt=wpa-psk\n"},
        {"  password: \"a b\"\n  dhcp4: true", "  password: \"REDACTED\"\n  dhcp4: true"},
    };
    for (const auto& [text, expected] : cases) EXPECT_EQ(redact(text), expected);
}

TEST(Redact, TakesTimeInProportion) {
    const auto seconds = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += R"(sig=a&"password":"\\b" PRIVATE KEY-----)";
        const auto start = std::chrono::steady_clock::now();
        EXPECT_LT(redact(text).size(), text.size() * 2);
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    EXPECT_LT(seconds(100'000), 40 * (seconds(10'000) + 0.02)) << "ten times the text";
}

}  // namespace
}  // namespace machine::recorded::capture_test
