import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;

/** First offset, last stable offset and high watermark of each partition. lso &lt; hw: a transaction is open there. */
final class Ends {
    private Ends() {}

    static void run(Args args) throws Exception {
        String topic = args.text("topic");
        try (Admin admin = Admin.create(args.clientProperties())) {
            TopicDescription description = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
            Map<Integer, Long> start = offsets(admin, description, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED);
            Map<Integer, Long> stable = offsets(admin, description, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED);
            Map<Integer, Long> high = offsets(admin, description, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED);
            print(start, stable, high);
        }
    }

    private static void print(Map<Integer, Long> start, Map<Integer, Long> stable, Map<Integer, Long> high) {
        ObjectNode answer = Judge.JSON.createObjectNode();
        ArrayNode partitions = answer.putArray("partitions");
        for (int partition : start.keySet()) {
            ObjectNode entry = partitions.addObject().put("partition", partition).put("start", start.get(partition));
            entry.put("lso", stable.get(partition)).put("hw", high.get(partition));
        }
        System.out.println(answer);
    }

    private static SortedMap<Integer, Long> offsets(
            Admin admin, TopicDescription topic, OffsetSpec spec, IsolationLevel isolation) throws Exception {
        Map<TopicPartition, OffsetSpec> question = new HashMap<>();
        for (TopicPartitionInfo info : topic.partitions()) {
            question.put(new TopicPartition(topic.name(), info.partition()), spec);
        }
        SortedMap<Integer, Long> offsets = new TreeMap<>();
        Map<TopicPartition, ListOffsetsResultInfo> answer =
                admin.listOffsets(question, new ListOffsetsOptions(isolation)).all().get();
        answer.forEach((partition, info) -> offsets.put(partition.partition(), info.offset()));
        return offsets;
    }
}
