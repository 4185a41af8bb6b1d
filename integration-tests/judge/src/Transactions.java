import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.common.TopicPartition;

/** The transactions that are neither complete nor empty. */
final class Transactions {
    private static final Set<TransactionState> OVER = EnumSet.of(
            TransactionState.EMPTY, TransactionState.COMPLETE_COMMIT, TransactionState.COMPLETE_ABORT);

    private Transactions() {}

    static void run(Args args) throws Exception {
        Map<String, TransactionDescription> open = new TreeMap<>();
        try (Admin admin = Admin.create(args.clientProperties())) {
            List<String> ids = new ArrayList<>();
            for (TransactionListing listing : admin.listTransactions().all().get()) {
                if (!OVER.contains(listing.state())) ids.add(listing.transactionalId());
            }
            if (!ids.isEmpty()) open.putAll(admin.describeTransactions(ids).all().get());
        }
        open.values().removeIf(description -> OVER.contains(description.state()));
        ObjectNode answer = Judge.JSON.createObjectNode();
        ArrayNode list = answer.putArray("transactions");
        open.forEach((id, description) -> describe(list.addObject(), id, description));
        System.out.println(answer);
    }

    private static void describe(ObjectNode entry, String id, TransactionDescription description) {
        entry.put("transactionalId", id).put("state", description.state().toString());
        entry.put("producerId", description.producerId()).put("producerEpoch", description.producerEpoch());
        ArrayNode partitions = entry.putArray("partitions");
        for (TopicPartition partition : description.topicPartitions()) partitions.add(partition.toString());
        description.transactionStartTimeMs().ifPresent(start -> entry.put("startedAt", start));
    }
}
