#include "codec/amqp/sasl.h"

#include <gtest/gtest.h>

#include "codec/amqp/wire.h"

namespace selvage::codec::amqp {
namespace {

using namespace std::string_literals;
using Step = SaslServer::Step;

const std::string kSasl = "AMQP\3\1\0\0"s;
const std::string kPlain = "AMQP\0\1\0\0"s;

std::string frame(std::uint64_t code, std::uint32_t fields, const std::string& items) {
    std::string body;
    Writer writer(body);
    writer.descriptor(code);
    writer.list(fields, items);
    std::string bytes = "\0\0\0\0\2\1\0\0"s + body;
    bytes[2] = static_cast<char>(bytes.size() >> 8);
    bytes[3] = static_cast<char>(bytes.size());
    return bytes;
}
std::string init(std::string_view mechanism, const std::optional<std::string>& response = {}) {
    std::string items;
    Writer writer(items);
    writer.symbol(mechanism);
    if (response) writer.binary(*response);
    return frame(0x41, response ? 2 : 1, items);
}
bool has(const std::string& bytes, std::string_view part) { return bytes.find(part) != std::string::npos; }

TEST(Sasl, LetsThePlainHeaderThrough) {
    SaslServer sasl;
    EXPECT_EQ(sasl.receive(kPlain + "more"), Step::ready);
    EXPECT_EQ(sasl.take_output(), "");
    EXPECT_EQ(sasl.take_rest(), kPlain + "more");
}

TEST(Sasl, OffersItsMechanismsAndTakesEachOfThem) {
    const struct {
        const char* name;
        Mechanism mechanism;
    } rows[] = {{"ANONYMOUS", Mechanism::anonymous}, {"EXTERNAL", Mechanism::external}, {"MSSBCBS", Mechanism::mssbcbs}};
    for (const auto& row : rows) {
        SaslServer sasl;
        EXPECT_EQ(sasl.receive(kSasl), Step::wait);
        const std::string offer = sasl.take_output();
        EXPECT_TRUE(offer.starts_with(kSasl));
        for (const char* name : {"ANONYMOUS", "PLAIN", "EXTERNAL", "MSSBCBS"}) EXPECT_TRUE(has(offer, name)) << name;
        EXPECT_TRUE(Reader(std::string_view(offer).substr(16)).check());
        EXPECT_EQ(sasl.receive(init(row.name, "")), Step::decide);
        EXPECT_EQ(sasl.choice().mechanism, row.mechanism);
        EXPECT_EQ(sasl.accept(), Step::wait);
        EXPECT_EQ(sasl.take_output(), frame(0x44, 1, "\x50\0"s));
        EXPECT_EQ(sasl.receive(kPlain), Step::ready);
        EXPECT_EQ(sasl.take_rest(), kPlain);
    }
}

TEST(Sasl, TakesPlainAtOnceOrWhenAsked) {
    const std::string response = "\0d1@sas.h\0SharedAccessSignature sr=x"s;
    SaslServer at_once;
    EXPECT_EQ(at_once.receive(kSasl + init("PLAIN", response)), Step::decide);
    EXPECT_EQ(at_once.choice().user, "d1@sas.h");
    EXPECT_EQ(at_once.choice().password, "SharedAccessSignature sr=x");
    SaslServer asked;
    EXPECT_EQ(asked.receive(kSasl + init("PLAIN")), Step::wait);
    EXPECT_TRUE(has(asked.take_output(), frame(0x42, 1, "\xa0\0"s)));
    std::string items;
    Writer(items).binary(response);
    EXPECT_EQ(asked.receive(frame(0x43, 1, items)), Step::decide);
    EXPECT_EQ(asked.choice().user, "d1@sas.h");
}

TEST(Sasl, WorksByteByByteAndInOneFlight) {
    const std::string flight = kSasl + init("ANONYMOUS") + kPlain + "rest";
    SaslServer slow;
    auto step = Step::wait;
    for (const char c : kSasl + init("ANONYMOUS") + kPlain) {
        ASSERT_NE(step, Step::ready);
        step = slow.receive(std::string(1, c));
        if (step == Step::decide) step = slow.accept();
    }
    EXPECT_EQ(step, Step::ready);
    SaslServer fast;
    EXPECT_EQ(fast.receive(flight), Step::decide);
    EXPECT_EQ(fast.accept(), Step::ready);
    EXPECT_EQ(fast.take_rest(), kPlain + "rest");
}

TEST(Sasl, SaysNoToUnknownMechanismsAndBadPlain) {
    for (const std::string& bad : {init("CRAM-MD5"), init("PLAIN", "no nul"), init("PLAIN", "one\0nul"s)}) {
        SaslServer sasl;
        EXPECT_EQ(sasl.receive(kSasl + bad), Step::over);
        EXPECT_TRUE(sasl.take_output().ends_with(frame(0x44, 1, "\x50\1"s)));
        EXPECT_EQ(sasl.receive("x"), Step::over);
    }
    SaslServer refused;
    EXPECT_EQ(refused.receive(kSasl + init("ANONYMOUS")), Step::decide);
    EXPECT_EQ(refused.refuse(), Step::over);
}

TEST(Sasl, AnswersOtherProtocolsWithItsHeader) {
    for (const std::string& bytes : {"GET / HTTP/1.1\r\n"s, "AMQP\0\0\x09\x01"s, "AMQP\2\1\0\0"s, "\x10"s}) {
        SaslServer sasl;
        EXPECT_EQ(sasl.receive(bytes), Step::over) << bytes;
        EXPECT_EQ(sasl.take_output(), kSasl);
    }
    SaslServer again;
    EXPECT_EQ(again.receive(kSasl + init("ANONYMOUS") + kSasl), Step::decide);
    EXPECT_EQ(again.accept(), Step::over) << "one SASL layer is enough";
}

TEST(Sasl, BoundsItsFrames) {
    const std::string bad[] = {"\0\0\0\7"s, "\0\0\x40\1"s, "\xff\xff\xff\xff"s, "\0\0\0\x0c\1\1\0\0\0\0\0\0"s, "\0\0\0\x0c\2\0\0\0\0\0\0\0"s,
                               frame(0x44, 1, "\x50\0"s), "\0\0\0\x08\2\1\0\0"s};
    for (const std::string& bytes : bad) {
        SaslServer sasl;
        EXPECT_EQ(sasl.receive(kSasl + bytes), Step::over) << testing::PrintToString(bytes);
        EXPECT_FALSE(sasl.reason().empty());
    }
    SaslServer largest;
    EXPECT_EQ(largest.receive(kSasl + init("PLAIN", "\0u\0"s + std::string(16'000, 'p'))), Step::decide);
    EXPECT_EQ(largest.receive(std::string(20'000, 'x')), Step::over) << "nothing is kept without end while it waits";
}

}  // namespace
}  // namespace selvage::codec::amqp
