import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Java kafka-clients under test; ../driver.py describes the commands. */
public class Client {
  static final String NULL = "\\N";
  static final BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
  static final PrintStream out = new PrintStream(System.out, false, UTF_8);
  static String address;
  static Admin admin;

  public static void main(String[] args) throws Exception {
    address = args[0];
    admin = Admin.create(Map.of("bootstrap.servers", address));
    for (String line; (line = in.readLine()) != null; ) {
      String[] words = line.split("\t");
      List<String> records = new ArrayList<>();
      if (words[0].equals("produce")) {
        for (int i = Integer.parseInt(words[5]); i > 0; i--) records.add(in.readLine());
      }
      try {
        for (String answer : obey(words, records)) out.print(answer + "\n");
        out.print(".\n");
      } catch (ExecutionException | CompletionException error) {
        complain(error.getCause());
      } catch (Exception error) {
        complain(error);
      }
      out.flush();
    }
    admin.close();
  }

  static void complain(Throwable error) {
    out.print("!\t" + error.getClass().getSimpleName() + "\t"
        + String.valueOf(error.getMessage()).replaceAll("\\s", " ") + "\n");
  }

  static List<String> obey(String[] words, List<String> records) throws Exception {
    String topic = words.length > 1 ? words[1] : null;
    switch (words[0]) {
      case "create": return create(topic, words);
      case "produce": return produce(topic, words[2], words[3], words[4].equals("1"), records);
      case "consume": return consume(topic, Integer.parseInt(words[2]));
      case "group": return group(topic, words[2], Integer.parseInt(words[3]));
      case "offsets": return offsets(topic, Long.parseLong(words[2]));
      case "describe": return describe(topic);
      case "configs": return configs(topic);
      case "cluster": return cluster();
      case "grow":
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(Integer.parseInt(words[2])))).all().get();
        return List.of();
      case "delete":
        admin.deleteTopics(List.of(topic)).all().get();
        return List.of();
      case "member": return member(topic, words[2], words[3]);
      default: throw new IllegalArgumentException(words[0]);
    }
  }

  static List<String> create(String topic, String[] words) throws Exception {
    Map<String, String> configs = new HashMap<>();
    for (String config : Arrays.copyOfRange(words, 3, words.length)) {
      configs.put(config.split("=")[0], config.split("=")[1]);
    }
    // No replication factor: the broker's default, a feature of CreateTopics v4.
    admin.createTopics(List.of(new NewTopic(topic, Optional.of(Integer.parseInt(words[2])), Optional.empty())
        .configs(configs))).all().get();
    return List.of();
  }

  static List<String> produce(String topic, String codec, String acks, boolean idempotent, List<String> records)
      throws Exception {
    Map<String, Object> config = Map.of("bootstrap.servers", address, "compression.type", codec, "acks", acks,
        "enable.idempotence", idempotent, "linger.ms", 5);
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (String line : records) {
        String[] field = line.split("\t", -1);
        var record = new ProducerRecord<>(topic, Integer.valueOf(field[0]), Long.valueOf(field[1]),
            orNull(field[2]), orNull(field[4]));
        for (String header : field[3].split("&")) {
          String[] pair = header.split("=", 2);
          if (pair.length == 2) record.headers().add(pair[0], pair[1].getBytes(UTF_8));
        }
        sent.add(producer.send(record));
      }
    }
    List<String> answer = new ArrayList<>();
    for (var one : sent) answer.add(one.get().partition() + "\t" + (one.get().hasOffset() ? one.get().offset() : -1));
    return answer;
  }

  static String orNull(String text) {
    return text.equals(NULL) ? null : text;
  }

  static KafkaConsumer<String, String> consumer(String group, Map<String, Object> extra) {
    Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", address, "auto.offset.reset", "earliest",
        "enable.auto.commit", false, "fetch.max.wait.ms", 100));
    if (group != null) config.put("group.id", group);
    config.putAll(extra);
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }

  static String line(ConsumerRecord<String, String> record) {
    String headers = Arrays.stream(record.headers().toArray())
        .map((Header h) -> h.key() + "=" + new String(h.value(), UTF_8)).collect(Collectors.joining("&"));
    return record.partition() + "\t" + record.offset() + "\t" + record.timestamp() + "\t"
        + (record.key() == null ? NULL : record.key()) + "\t" + headers + "\t"
        + (record.value() == null ? NULL : record.value());
  }

  static List<String> read(KafkaConsumer<String, String> consumer, int count) {
    List<String> lines = new ArrayList<>();
    while (lines.size() < count) {
      for (var record : consumer.poll(Duration.ofMillis(200))) lines.add(line(record));
    }
    return lines;
  }

  static List<TopicPartition> partitions(KafkaConsumer<String, String> consumer, String topic) {
    return consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition()))
        .sorted((a, b) -> a.partition() - b.partition()).collect(Collectors.toList());
  }

  static List<String> consume(String topic, int count) {
    try (var consumer = consumer(null, Map.of())) {
      consumer.assign(partitions(consumer, topic));
      consumer.seekToBeginning(consumer.assignment());
      return read(consumer, count);
    }
  }

  static List<String> group(String topic, String group, int count) {
    Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
    List<String> lines = new ArrayList<>();
    try (var consumer = consumer(group, Map.of())) {
      consumer.subscribe(List.of(topic));
      while (lines.size() < count) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          if (lines.size() == count) break; // read ahead; the position is past what we take
          lines.add(line(record));
          next.put(new TopicPartition(topic, record.partition()), new OffsetAndMetadata(record.offset() + 1));
        }
      }
      consumer.commitSync(next);
    }
    return lines;
  }

  static List<String> offsets(String topic, long timestamp) {
    try (var consumer = consumer(null, Map.of())) {
      var partitions = partitions(consumer, topic);
      var first = consumer.beginningOffsets(partitions);
      var last = consumer.endOffsets(partitions);
      var found = consumer.offsetsForTimes(partitions.stream().collect(Collectors.toMap(p -> p, p -> timestamp)));
      return partitions.stream().map(p -> p.partition() + "\t" + first.get(p) + "\t" + last.get(p) + "\t"
          + (found.get(p) == null ? -1 : found.get(p).offset())).collect(Collectors.toList());
    }
  }

  static List<String> describe(String topic) throws Exception {
    var description = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    return List.of("id\t" + description.topicId(), "partitions\t" + description.partitions().size());
  }

  static List<String> configs(String topic) throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    return admin.describeConfigs(List.of(resource)).all().get().get(resource).entries().stream()
        .map(entry -> entry.name() + "\t" + entry.value()).collect(Collectors.toList());
  }

  static List<String> cluster() throws Exception {
    return admin.describeCluster().nodes().get().stream()
        .map(node -> "broker\t" + node.id() + "\t" + node.host() + "\t" + node.port()).collect(Collectors.toList());
  }

  static List<String> member(String topic, String group, String instance) throws Exception {
    Map<String, Object> extra = new HashMap<>(Map.of("heartbeat.interval.ms", 300));
    if (!instance.equals("-")) extra.put("group.instance.id", instance);
    var closed = new AtomicBoolean();
    var watcher = new Thread(() -> {
      try {
        while (in.readLine() != null) { }
      } catch (IOException ignored) { }
      closed.set(true);
    });
    watcher.setDaemon(true);
    watcher.start();
    try (var consumer = consumer(group, extra)) {
      consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
        public void onPartitionsRevoked(Collection<TopicPartition> revoked) { }
        public void onPartitionsAssigned(Collection<TopicPartition> ignored) {
          // The whole assignment, as with a cooperative assignor the argument is only what came new.
          out.print("assigned\t" + consumer.assignment().stream().map(p -> "" + p.partition())
              .collect(Collectors.joining(",")) + "\n");
          out.flush();
        }
      });
      while (!closed.get()) {
        var records = consumer.poll(Duration.ofMillis(100));
        for (var record : records) out.print("record\t" + line(record) + "\n");
        out.flush();
        if (!records.isEmpty()) consumer.commitSync();
      }
    }
    System.exit(0);
    return List.of();
  }
}
