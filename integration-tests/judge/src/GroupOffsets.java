import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** The committed offsets of a consumer group, also of one without members. */
final class GroupOffsets {
    private static final Comparator<TopicPartition> ORDER =
            Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition);

    private GroupOffsets() {}

    static void run(Args args) throws Exception {
        String group = args.text("group");
        Map<TopicPartition, OffsetAndMetadata> committed = new TreeMap<>(ORDER);
        try (Admin admin = Admin.create(args.clientProperties())) {
            committed.putAll(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get());
        }
        ObjectNode answer = Judge.JSON.createObjectNode();
        ArrayNode offsets = answer.putArray("offsets");
        committed.forEach((partition, offset) -> {
            if (offset == null) return;
            ObjectNode entry = offsets.addObject().put("topic", partition.topic()).put("partition", partition.partition());
            entry.put("offset", offset.offset()).put("metadata", offset.metadata());
        });
        System.out.println(answer);
    }
}
