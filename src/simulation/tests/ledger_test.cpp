// The account has to find what it is there to find.
#include "simulation/ledger.h"

#include <gtest/gtest.h>

namespace selvage::simulation {
namespace {

struct LedgerTest : ::testing::Test {
    Ledger ledger;
    Ledger::Reader reader;
    void SetUp() override {
        reader.name = "reader";
        for (std::uint64_t i = 0; i < 4; ++i) {
            ASSERT_EQ(ledger.made("d", i), i);
            ledger.attempted("d", i);
        }
    }
    std::string found() { return ledger.violations().empty() ? "" : ledger.violations().front(); }
};

TEST_F(LedgerTest, IsContentWithWhatCameInOrderAndWithRepeatsOfWhatWasSentAgain) {
    ledger.attempted("d", 1);
    for (const std::uint64_t number : {0u, 1u, 1u, 2u, 3u}) ledger.arrived(reader, "d", number, number);
    ledger.acknowledged("d", 3);
    ledger.check_complete(reader, "d");
    EXPECT_EQ(found(), "");
    EXPECT_EQ(reader.repeated, 1u);
}

TEST_F(LedgerTest, FindsALostMessage) {
    ledger.acknowledged("d", 0);
    ledger.acknowledged("d", 1);
    ledger.arrived(reader, "d", 0, 0);
    ledger.check_complete(reader, "d");
    EXPECT_EQ(found(), "reader: message 1 of 'd' was acknowledged and is lost");
}

TEST_F(LedgerTest, FindsAnOvertakingMessage) {
    ledger.arrived(reader, "d", 0, 0);
    ledger.arrived(reader, "d", 2, 2);
    EXPECT_EQ(found(), "reader: message 2 of 'd' came before message 1");
}

TEST_F(LedgerTest, FindsAnInventedMessage) {
    ledger.arrived(reader, "d", 4, 4);
    EXPECT_EQ(found(), "reader: message 4 of 'd' was never sent");
}

TEST_F(LedgerTest, FindsAMessageThatWasNotSentYet) {
    ledger.made("d", 4);
    for (std::uint64_t i = 0; i < 4; ++i) ledger.arrived(reader, "d", i, i);
    EXPECT_EQ(found(), "");
    ledger.arrived(reader, "d", 4, 4);
    EXPECT_EQ(found(), "reader: message 4 of 'd' was never sent");
}

TEST_F(LedgerTest, FindsAChangedMessage) {
    ledger.arrived(reader, "d", 0, 17);
    EXPECT_EQ(found(), "reader: message 0 of 'd' is not what was sent");
}

TEST_F(LedgerTest, FindsARepeatThatNobodySent) {
    ledger.arrived(reader, "d", 0, 0);
    ledger.arrived(reader, "d", 0, 0);
    EXPECT_EQ(found(), "reader: message 0 of 'd' is there 2 times and was sent 1 times");
}

TEST_F(LedgerTest, LetsAForwarderRepeat) {
    ledger.forwarded("d");
    ledger.arrived(reader, "d", 0, 0);
    ledger.arrived(reader, "d", 0, 0);
    EXPECT_EQ(found(), "");
}

}  // namespace
}  // namespace selvage::simulation
