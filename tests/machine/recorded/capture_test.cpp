#include "remediations/machine/recorded/capture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "remediations/machine/recorded/redact.hpp"
#include "tests/temporary_folder.hpp"

namespace machine::recorded {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CaptureTest : public testing::Test {
protected:
    void facts(std::string_view text) const { std::ofstream(folder_.path() / "facts.json") << text; }
    void file(const std::filesystem::path& place, std::string_view text) const {
        std::filesystem::create_directories((folder_.path() / "files" / place).parent_path());
        std::ofstream(folder_.path() / "files" / place) << text;
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
}

TEST(Redact, ReplacesTheSecretAndNothingElse) {
    const std::pair<const char*, const char*> cases[] = {
        {"nothing here", "nothing here"},
        {"?sig=abc%2F&x=1", "?sig=REDACTED&x=1"},
        {"SIG=abc", "SIG=REDACTED"},
        {"\"url?sig=abc\",\"next\"", "\"url?sig=REDACTED\",\"next\""},
        {R"("protectedSettings":"MIIB\/x==","a":1)", R"("protectedSettings":"REDACTED","a":1)"},
        {R"(\"protectedSettings\": \"MIIB\")", R"(\"protectedSettings\": \"REDACTED")"},
        {R"("protectedSettings":null)", R"("protectedSettings":null)"},
        {"Authorization: Bearer eyJ0.x\nnext", "Authorization: Bearer REDACTED\nnext"},
        {"-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\nafter",
         "-----BEGIN PRIVATE KEY-----REDACTED-----END PRIVATE KEY-----\nafter"},
        {"-----BEGIN PRIVATE KEY-----\ntorn", "-----BEGIN PRIVATE KEY-----REDACTED"},
    };
    for (const auto& [text, expected] : cases) EXPECT_EQ(redact(text), expected);
}

}  // namespace
}  // namespace machine::recorded
