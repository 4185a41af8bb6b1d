import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads topics once, from their beginning to the end that they have when reading starts. */
final class TopicReader {
    private static final Duration POLL = Duration.ofMillis(500);
    private static final long STALL_LIMIT_NANOS = 60_000_000_000L;

    private TopicReader() {}

    /** As {@link #read(Args, List, String, Predicate)}, the one topic that the command line names. */
    static void read(Args args, String isolation, Predicate<ConsumerRecord<byte[], byte[]>> visitor) {
        read(args, List.of(args.text("topic")), isolation, visitor);
    }

    /**
     * Hands over every record visible at this isolation, in the order of each partition, until {@code visitor} returns false.
     * With {@code read_committed} the end of a partition is its last stable offset.
     */
    static void read(
            Args args, List<String> topics, String isolation, Predicate<ConsumerRecord<byte[], byte[]>> visitor) {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties(args, isolation))) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (String topic : topics) partitions.addAll(partitionsOf(consumer, topic));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            Set<TopicPartition> open = new HashSet<>(partitions);
            long lastProgress = System.nanoTime();
            while (dropFinished(consumer, ends, open)) {
                boolean progress = false;
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    progress = true;
                    boolean beyondEnd = record.offset() >= ends.get(new TopicPartition(record.topic(), record.partition()));
                    if (!beyondEnd && !visitor.test(record)) return;
                }
                if (progress) lastProgress = System.nanoTime();
                else if (System.nanoTime() - lastProgress > STALL_LIMIT_NANOS) {
                    throw new IllegalStateException("no record for 60 s, but these partitions are not at their end: " + open);
                }
            }
        }
    }

    static List<TopicPartition> partitionsOf(KafkaConsumer<?, ?> consumer, String topic) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (PartitionInfo info : consumer.partitionsFor(topic)) partitions.add(new TopicPartition(topic, info.partition()));
        if (partitions.isEmpty()) throw new IllegalArgumentException("topic " + topic + " does not exist");
        return partitions;
    }

    /** Pauses partitions that are at their end; whether any is left. */
    private static boolean dropFinished(
            KafkaConsumer<?, ?> consumer, Map<TopicPartition, Long> ends, Set<TopicPartition> open) {
        List<TopicPartition> finished = new ArrayList<>();
        for (TopicPartition partition : open) {
            if (consumer.position(partition) >= ends.get(partition)) finished.add(partition);
        }
        consumer.pause(finished);
        finished.forEach(open::remove);
        return !open.isEmpty();
    }

    private static Properties properties(Args args, String isolation) {
        Properties properties = args.clientProperties();
        properties.put("isolation.level", isolation);
        properties.put("enable.auto.commit", false);
        properties.put("allow.auto.create.topics", false);
        properties.put("auto.offset.reset", "none");
        properties.put("max.poll.records", 10_000);
        properties.put("fetch.max.bytes", 16 << 20);
        properties.put("max.partition.fetch.bytes", 4 << 20);
        properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
        properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
        return properties;
    }
}
