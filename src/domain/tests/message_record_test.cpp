#include <gtest/gtest.h>

#include "domain/tests/random_values.h"

namespace selvage::domain {
namespace {

using testing::below;
using testing::random_message;

std::string record_of(const Message& message) {
    std::string record;
    append_record(message, record);
    return record;
}

TEST(MessageRecord, HasTheDocumentedLayout) {
    Message message;
    message.body = "hi";
    message.properties = {{"k", "v"}, {"n", std::nullopt}, {"e", ""}};
    message.set(SystemProperty::message_id, "7");
    const std::string want("\x01\x03\x01k\x02v\x01n\x00\x01"
                           "e\x01\x01\x01\x01"
                           "7\x02hi",
                           19);
    EXPECT_EQ(record_of(message), want);
    std::string after = "before";
    append_record(message, after);
    EXPECT_EQ(after, "before" + want);
}

TEST(MessageRecord, OfAStampedMessageIsThatOfOneWithItsStampsSet) {
    SeededRandom random(3);
    for (int i = 0; i < 200; ++i) {
        Message message = random_message(random);
        message.erase(SystemProperty::lock_token);
        message.erase(SystemProperty::message_source);
        const Stamp stamps[] = {{SystemProperty::lock_token, "t"}, {SystemProperty::message_source, ""}};
        std::string record;
        append_record(message, stamps, record);
        for (const Stamp& stamp : stamps) message.set(stamp.property, std::string(stamp.value));
        ASSERT_EQ(record, record_of(message));
    }
}

TEST(MessageRecord, ReadsBackWhatWasWritten) {
    SeededRandom random(1);
    for (int i = 0; i < 2000; ++i) {
        const Message message = random_message(random);
        const auto read = read_record(record_of(message));
        ASSERT_TRUE(read) << read.error().detail;
        ASSERT_EQ(*read, message);
    }
    Message large;
    large.body.assign(kMessageBytesMax, '\xff');
    EXPECT_EQ(read_record(record_of(large)), large);
}

TEST(MessageRecord, RefusesEveryTruncationAndAnythingBehindIt) {
    SeededRandom random(2);
    for (int i = 0; i < 50; ++i) {
        const std::string record = record_of(random_message(random));
        for (std::size_t size = 0; size < record.size(); ++size) {
            const auto read = read_record(std::string_view(record).substr(0, size));
            ASSERT_FALSE(read) << "cut to " << size << " of " << record.size();
            ASSERT_EQ(read.error().code, Errc::corrupt);
        }
        ASSERT_FALSE(read_record(record + '\0'));
    }
}

TEST(MessageRecord, DamageIsRefusedOrIsAnotherRecord) {
    SeededRandom random(3);
    int refused = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string record = record_of(random_message(random));
        for (std::size_t hits = 1 + below(random, 3); hits > 0; --hits)
            record[below(random, record.size())] = static_cast<char>(random.next());
        const auto read = read_record(record);
        if (read) {
            ASSERT_EQ(record_of(*read), record) << "a record that reads must be the only one of its message";
        } else {
            ASSERT_EQ(read.error().code, Errc::corrupt);
            ++refused;
        }
    }
    EXPECT_GT(refused, 1000);
}

TEST(MessageRecord, RefusesWhatAWriterNeverWrites) {
    struct Row {
        const char* name;
        std::string record;
    };
    const Row rows[] = {
        {"another version", std::string("\x02\x00\x00\x00", 4)},
        {"more properties than bytes", std::string("\x01\xff\xff\xff\xff\x7f\x00\x00", 8)},
        {"count as a longer varint", std::string("\x01\x80\x00\x00\x00", 5)},
        {"varint without end", std::string("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13)},
        {"length past 2^32", std::string("\x01\x01\xff\xff\xff\xff\x7fkk", 9)},
        {"unknown system property", std::string("\x01\x00\x01\x12\x00\x00", 6)},
        {"a system property twice", std::string("\x01\x00\x02\x01\x00\x01\x00\x00", 8)},
    };
    for (const Row& row : rows) {
        const auto read = read_record(row.record);
        ASSERT_FALSE(read) << row.name;
        EXPECT_EQ(read.error().code, Errc::corrupt) << row.name;
    }
}

}  // namespace
}  // namespace selvage::domain
