#include "remediations/machine/event_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <tuple>

#include "remediations/machine/windows/event_query.hpp"
#include "remediations/machine/windows/event_reader.hpp"
#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/text.hpp"

namespace machine::windows::event_log_test {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(EventQueryXml, AsksForTheseEventsAndNoOthers) {
    EXPECT_EQ(event_query_xml({"System", {{"MSDTC", {4193, 53258}}, {"volsnap"}}, seconds(60)}).value(),
              "<QueryList><Query Id=\"0\">"
              "<Select Path=\"System\">*[System[Provider[@Name='MSDTC'] and (EventID=4193 or EventID=53258) and "
              "TimeCreated[timediff(@SystemTime) &lt;= 60000]]]</Select>"
              "<Select Path=\"System\">*[System[Provider[@Name='volsnap'] and "
              "TimeCreated[timediff(@SystemTime) &lt;= 60000]]]</Select>"
              "</Query></QueryList>");
    EXPECT_EQ(event_query_xml({"Microsoft-Windows-AppLocker/EXE and DLL", {}, seconds(1)}).value(),
              "<QueryList><Query Id=\"0\"><Select Path=\"Microsoft-Windows-AppLocker/EXE and DLL\">"
              "*[System[TimeCreated[timediff(@SystemTime) &lt;= 1000]]]</Select></Query></QueryList>");
}

TEST(EventQueryXml, QuotesNames) {
    EXPECT_THAT(event_query_xml({"System", {{"volsnap", {}, true}}, seconds(1)}).value(),
                HasSubstr("Provider[@Name='volsnap'] and (Level=1 or Level=2 or Level=3) and TimeCreated"));
    EXPECT_THAT(event_query_xml({R"(a"<b&c)", {{"it's"}}}).value(),
                testing::AllOf(HasSubstr("Path=\"a&quot;&lt;b&amp;c\""), HasSubstr("@Name=&quot;it's&quot;")));
    EXPECT_THAT(event_query_xml({"a", {{"x]'y"}}}).value(), HasSubstr("@Name=&quot;x]'y&quot;"));
    EXPECT_EQ(event_query_xml({"a", {{R"('")"}}}).error().kind, ErrorKind::invalid);
    EXPECT_EQ(event_query_xml({"a", {{"x\ny"}}}).error().kind, ErrorKind::invalid);
}

TEST(EventQueryXml, ManyIdsAreAskedForInParts) {
    EventSource source{"p"};
    for (std::uint32_t id = 1; id <= 40; ++id) source.ids.push_back(id);
    const auto xml = event_query_xml({"a", {source}}).value();
    std::size_t selects = 0;
    for (auto at = xml.find("<Select"); at != xml.npos; at = xml.find("<Select", at + 1)) ++selects;
    EXPECT_EQ(selects, 3U);
    for (const auto id : source.ids) EXPECT_THAT(xml, HasSubstr("EventID=" + std::to_string(id)));
}

/// An event log service in the place of the one that Wine lacks. Handles are numbers: 1 the query, 2 and 3 the render
/// contexts, from 10 on the events.
struct FakeService {
    struct Record {
        std::wstring provider;
        WORD id;
        BYTE level;
        std::vector<EVT_VARIANT> data;
    };
    std::vector<Record> records;
    std::wstring query;
    std::size_t next = 0;
    DWORD query_error = ERROR_SUCCESS;
    DWORD next_error = ERROR_NO_MORE_ITEMS;
    std::multiset<std::uintptr_t> open;

    EVT_HANDLE opened(std::uintptr_t number) {
        open.insert(number);
        return reinterpret_cast<EVT_HANDLE>(number);
    }
};

FakeService* service = nullptr;

EVT_HANDLE WINAPI fake_query(EVT_HANDLE, LPCWSTR path, LPCWSTR query, DWORD flags) {
    EXPECT_EQ(path, nullptr);
    EXPECT_EQ(flags, DWORD{EvtQueryChannelPath | EvtQueryReverseDirection});
    service->query = query;
    SetLastError(service->query_error);
    return service->query_error == ERROR_SUCCESS ? service->opened(1) : nullptr;
}

BOOL WINAPI fake_next(EVT_HANDLE, DWORD size, EVT_HANDLE* events, DWORD timeout, DWORD, DWORD* count) {
    EXPECT_EQ(size, 1U);
    EXPECT_GT(timeout, 0U);
    if (service->next == service->records.size()) {
        SetLastError(service->next_error);
        return FALSE;
    }
    *events = service->opened(10 + service->next++);
    *count = 1;
    return TRUE;
}

EVT_HANDLE WINAPI fake_create_context(DWORD, LPCWSTR*, DWORD flags) {
    return service->opened(flags == EvtRenderContextSystem ? 2 : 3);
}

BOOL WINAPI fake_render(EVT_HANDLE context, EVT_HANDLE event, DWORD flags, DWORD size, void* buffer, DWORD* used,
                        DWORD* count) {
    EXPECT_EQ(flags, DWORD{EvtRenderEventValues});
    const auto& record = service->records.at(reinterpret_cast<std::uintptr_t>(event) - 10);
    auto values = record.data;
    if (reinterpret_cast<std::uintptr_t>(context) == 2) {
        values.assign(EvtSystemPropertyIdEND, EVT_VARIANT{});
        values[EvtSystemProviderName].StringVal = record.provider.c_str();
        values[EvtSystemProviderName].Type = EvtVarTypeString;
        values[EvtSystemEventID].UInt16Val = record.id;
        values[EvtSystemEventID].Type = EvtVarTypeUInt16;
        values[EvtSystemLevel].ByteVal = record.level;
        values[EvtSystemLevel].Type = EvtVarTypeByte;
        values[EvtSystemTimeCreated].FileTimeVal = 116444736000000000ULL + 1700000000ULL * 10'000'000;
        values[EvtSystemTimeCreated].Type = EvtVarTypeFileTime;
    }
    *used = static_cast<DWORD>(values.size() * sizeof(EVT_VARIANT));
    *count = static_cast<DWORD>(values.size());
    if (*used > size) {
        SetLastError(ERROR_INSUFFICIENT_BUFFER);
        return FALSE;
    }
    if (*used > 0) std::memcpy(buffer, values.data(), *used);
    return TRUE;
}

BOOL WINAPI fake_close(EVT_HANDLE handle) {
    const auto found = service->open.find(reinterpret_cast<std::uintptr_t>(handle));
    EXPECT_NE(found, service->open.end());
    service->open.erase(found);
    return TRUE;
}

EVT_VARIANT text(const wchar_t* value) {
    EVT_VARIANT variant{};
    variant.StringVal = value;
    variant.Type = EvtVarTypeString;
    return variant;
}

class EventReader : public testing::Test {
protected:
    EventReader() { service = &fake_; }
    ~EventReader() override {
        EXPECT_THAT(fake_.open, testing::IsEmpty()) << "every handle is closed";
        service = nullptr;
    }

    static Result<std::vector<Event>> read(const EventQuery& query, seconds limit = seconds(10)) {
        return read_events({fake_query, fake_next, fake_render, fake_create_context, fake_close}, query,
                           std::chrono::steady_clock::now() + limit);
    }

    FakeService fake_;
};

TEST_F(EventReader, TakesEventsApart) {
    EVT_VARIANT number{};
    number.UInt32Val = 0x80042302;
    number.Type = EvtVarTypeHexInt32;
    BYTE bytes[2000] = {0x2D, 0x20};
    EVT_VARIANT binary{};
    binary.BinaryVal = bytes;
    binary.Count = sizeof bytes;
    binary.Type = EvtVarTypeBinary;
    const wchar_t* strings[] = {L"one", L"zwei für 日本"};
    EVT_VARIANT list{};
    list.StringArr = const_cast<LPWSTR*>(strings);
    list.Count = 2;
    list.Type = EvtVarTypeString | EVT_VARIANT_TYPE_ARRAY;
    EVT_VARIANT flag{};
    flag.BooleanVal = TRUE;
    flag.Type = EvtVarTypeBoolean;
    fake_.records = {{L"VSS", 12289, 2, {text(L"CoCreateInstance"), number, EVT_VARIANT{}, flag, list, binary}},
                     {L"volsnap", 25, 4, {}}};
    const auto events = read({"Application", {{"VSS", {12289}}}}).value();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].channel, "Application");
    EXPECT_EQ(events[0].provider, "VSS");
    EXPECT_EQ(events[0].id, 12289U);
    EXPECT_EQ(events[0].level, 2);
    EXPECT_EQ(events[0].time, std::chrono::system_clock::from_time_t(1700000000));
    EXPECT_THAT(events[0].data, ElementsAre("CoCreateInstance", "0x80042302", "", "true", "one", "zwei für 日本",
                                            testing::StartsWith("2D200000")));
    EXPECT_EQ(events[0].data.back().size(), 2048U) << "no more of what nobody reads";
    EXPECT_EQ(events[1].provider, "volsnap");
    EXPECT_THAT(events[1].data, testing::IsEmpty());
    EXPECT_EQ(to_utf8(fake_.query), event_query_xml({"Application", {{"VSS", {12289}}}}).value());
}

TEST_F(EventReader, TakesNoMoreThanItIsAskedFor) {
    fake_.records.assign(50, {L"p", 1, 2, {}});
    EXPECT_EQ(read({.channel = "System", .limit = 7})->size(), 7U);
    EXPECT_EQ(fake_.next, 7U);
}

TEST_F(EventReader, AnEventWithManyValuesFits) {
    fake_.records = {{L"p", 1, 2, std::vector<EVT_VARIANT>(1000, text(L"x"))}};
    EXPECT_EQ(read({.channel = "System"})->front().data.size(), 1000U);
}

TEST_F(EventReader, SaysWhyThereIsNoAnswer) {
    const std::tuple<DWORD, ErrorKind, const char*> cases[] = {
        {ERROR_EVT_CHANNEL_NOT_FOUND, ErrorKind::not_found, "cannot query event log System"},
        {ERROR_EVT_INVALID_QUERY, ErrorKind::invalid, "cannot query event log System"},
        {ERROR_ACCESS_DENIED, ErrorKind::access_denied, "cannot query event log System"},
    };
    for (const auto& [code, kind, message] : cases) {
        fake_.query_error = code;
        const auto result = read({.channel = "System"});
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().kind, kind) << code;
        EXPECT_THAT(result.error().message, HasSubstr(message));
    }
    fake_.query_error = ERROR_SUCCESS;
    fake_.next_error = ERROR_TIMEOUT;
    EXPECT_EQ(read({.channel = "System"}).error().kind, ErrorKind::timed_out);
    EXPECT_EQ(read({.channel = "System"}, seconds(-1)).error().kind, ErrorKind::timed_out);
}

TEST(WindowsEventLog, NoAnswerIsAnErrorAndNotAnEmptyLog) {
    // Wine has no event log service: EvtQuery gives no handle and no error.
    const auto result = make_event_log()->read({.channel = "System"});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::failed);
    EXPECT_EQ(result.error().message,
              "cannot query event log System: the event log service gave no answer and no reason");
}

}  // namespace
}  // namespace machine::windows::event_log_test
