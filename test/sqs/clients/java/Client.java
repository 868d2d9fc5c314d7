// AWS SDK for Java v2, its synchronous client over Apache's HTTP client, which asks for 100-continue. scenarios.md says what each does.
import java.net.URI;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.Supplier;
import java.util.stream.*;
import software.amazon.awssdk.auth.credentials.*;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.*;
import software.amazon.awssdk.services.sqs.model.*;

public class Client {
  static SqsClient sqs;
  static String prefix;
  static final Deque<String> made = new ArrayDeque<>();

  static void check(boolean holds, Object what) {
    if (!holds) throw new AssertionError(String.valueOf(what));
  }

  static void equal(Object actual, Object expected) {
    check(Objects.equals(actual, expected), actual + " instead of " + expected);
  }

  static String create(String end, Map<QueueAttributeName, String> attributes, Map<String, String> tags) {
    made.push(sqs.createQueue(r -> r.queueName(prefix + end).attributes(attributes).tags(tags)).queueUrl());
    return made.peek();
  }

  static String create() { return create("", Map.of(), Map.of()); }

  static List<Message> receive(String url, int count, int wait, Integer visibility) {
    return sqs.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(count).waitTimeSeconds(wait).visibilityTimeout(visibility)
        .messageAttributeNames("All").messageSystemAttributeNames(MessageSystemAttributeName.ALL)).messages();
  }

  static Message one(String url, Integer visibility) {
    List<Message> got = receive(url, 1, 20, visibility);
    check(got.size() == 1, "no message came");
    return got.get(0);
  }

  static void remove(String url, Message message) { sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(message.receiptHandle())); }

  static String attribute(String url, QueueAttributeName name) {
    return sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNames(name)).attributes().get(name);
  }

  static List<String> bodies(List<Message> messages) { return messages.stream().map(Message::body).collect(Collectors.toList()); }

  static <E extends Exception> void fails(Class<E> kind, Supplier<?> call) {
    try {
      call.get();
    } catch (Exception error) {
      check(kind.isInstance(error), error);
      return;
    }
    throw new AssertionError(kind + " expected");
  }

  static void queues() {
    String url = create("", Map.of(QueueAttributeName.DELAY_SECONDS, "2", QueueAttributeName.VISIBILITY_TIMEOUT, "45"), Map.of("team", "a", "cost", "7"));
    equal(sqs.getQueueUrl(r -> r.queueName(prefix)).queueUrl(), url);
    equal(sqs.listQueues(r -> r.queueNamePrefix(prefix)).queueUrls(), List.of(url));
    sqs.setQueueAttributes(r -> r.queueUrl(url).attributes(Map.of(QueueAttributeName.DELAY_SECONDS, "0")));
    equal(attribute(url, QueueAttributeName.DELAY_SECONDS), "0");
    equal(attribute(url, QueueAttributeName.VISIBILITY_TIMEOUT), "45");
    sqs.tagQueue(r -> r.queueUrl(url).tags(Map.of("stage", "test")));
    sqs.untagQueue(r -> r.queueUrl(url).tagKeys("cost"));
    equal(sqs.listQueueTags(r -> r.queueUrl(url)).tags(), Map.of("team", "a", "stage", "test"));
    sqs.deleteQueue(r -> r.queueUrl(made.pop()));
    fails(QueueDoesNotExistException.class, () -> sqs.getQueueUrl(r -> r.queueName(prefix)));
  }

  static void messages() {
    String url = create();
    byte[] bytes = {0, 1, -1};
    Map<String, MessageAttributeValue> sent = Map.of(
        "text", MessageAttributeValue.builder().dataType("String").stringValue("ä 日本 \"<&>\"").build(),
        "number", MessageAttributeValue.builder().dataType("Number.int").stringValue("42").build(),
        "binary", MessageAttributeValue.builder().dataType("Binary").binaryValue(SdkBytes.fromByteArray(bytes)).build());
    for (String body : List.of("plain", "ä 日本 😀", "two\r\nlines\tand \"quotes\" & <marks>")) {
      SendMessageResponse answer = sqs.sendMessage(r -> r.queueUrl(url).messageBody(body).messageAttributes(sent));
      Message got = one(url, null);
      equal(got.body(), body);
      equal(got.messageId(), answer.messageId());
      equal(got.md5OfMessageAttributes(), answer.md5OfMessageAttributes());
      equal(got.messageAttributes().get("text").stringValue(), "ä 日本 \"<&>\"");
      equal(got.messageAttributes().get("number").dataType(), "Number.int");
      check(Arrays.equals(got.messageAttributes().get("binary").binaryValue().asByteArray(), bytes), "binary");
      equal(got.attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT), "1");
      remove(url, got);
    }
    equal(receive(url, 10, 0, null), List.of());
  }

  static void batch() {
    String url = create();
    List<SendMessageBatchRequestEntry> entries = IntStream.range(0, 10)
        .mapToObj(n -> SendMessageBatchRequestEntry.builder().id("m" + n).messageBody("body " + n).build()).collect(Collectors.toList());
    equal(sqs.sendMessageBatch(r -> r.queueUrl(url).entries(entries)).successful().size(), 10);
    Set<String> got = new HashSet<>();
    while (got.size() < 10) {
      List<Message> some = receive(url, 10, 20, null);
      check(!some.isEmpty(), "only " + got.size() + " of 10 came");
      got.addAll(bodies(some));
      equal(sqs.changeMessageVisibilityBatch(r -> r.queueUrl(url).entries(IntStream.range(0, some.size()).mapToObj(n ->
          ChangeMessageVisibilityBatchRequestEntry.builder().id("" + n).receiptHandle(some.get(n).receiptHandle()).visibilityTimeout(60).build())
          .collect(Collectors.toList()))).successful().size(), some.size());
      equal(sqs.deleteMessageBatch(r -> r.queueUrl(url).entries(IntStream.range(0, some.size()).mapToObj(n ->
          DeleteMessageBatchRequestEntry.builder().id("" + n).receiptHandle(some.get(n).receiptHandle()).build())
          .collect(Collectors.toList()))).successful().size(), some.size());
    }
    SendMessageBatchResponse mixed = sqs.sendMessageBatch(r -> r.queueUrl(url).entries(
        SendMessageBatchRequestEntry.builder().id("good").messageBody("good").build(),
        SendMessageBatchRequestEntry.builder().id("bad").messageBody("bad").delaySeconds(901).build()));
    equal(mixed.successful().get(0).id(), "good");
    equal(mixed.failed().get(0).code(), "InvalidParameterValue");
    check(mixed.failed().get(0).senderFault(), "senderFault");
  }

  static void longpoll() throws Exception {
    String url = create();
    ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
    later.schedule(() -> sqs.sendMessage(r -> r.queueUrl(url).messageBody("late")), 300, TimeUnit.MILLISECONDS);
    long begin = System.nanoTime();
    equal(bodies(receive(url, 10, 20, null)), List.of("late"));
    check(System.nanoTime() - begin < 15_000_000_000L, "it took too long");
    later.shutdown();
  }

  static void visibility() {
    String url = create();
    sqs.sendMessage(r -> r.queueUrl(url).messageBody("b"));
    Message first = one(url, 30);
    equal(receive(url, 10, 0, null), List.of());
    sqs.changeMessageVisibility(r -> r.queueUrl(url).receiptHandle(first.receiptHandle()).visibilityTimeout(0));
    Message second = one(url, 4);
    equal(second.messageId(), first.messageId());
    equal(second.attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT), "2");
    sqs.changeMessageVisibility(r -> r.queueUrl(url).receiptHandle(second.receiptHandle()).visibilityTimeout(60));
    equal(receive(url, 10, 5, null), List.of());
    remove(url, second);
  }

  static void dlq() {
    String dead = create("-dead", Map.of(), Map.of());
    String arn = attribute(dead, QueueAttributeName.QUEUE_ARN);
    String url = create("", Map.of(QueueAttributeName.REDRIVE_POLICY, "{\"deadLetterTargetArn\":\"" + arn + "\",\"maxReceiveCount\":2}"), Map.of());
    equal(sqs.listDeadLetterSourceQueues(r -> r.queueUrl(dead)).queueUrls(), List.of(url));
    sqs.sendMessage(r -> r.queueUrl(url).messageBody("poison"));
    for (int n = 0; n < 2; ++n) one(url, 0);
    equal(receive(url, 10, 0, null), List.of());
    equal(one(dead, 0).body(), "poison");
    sqs.startMessageMoveTask(r -> r.sourceArn(arn));
    List<Message> back = receive(url, 1, 20, null);
    equal(bodies(back), List.of("poison"));
  }

  static void fifo() {
    String url = create(".fifo", Map.of(QueueAttributeName.FIFO_QUEUE, "true", QueueAttributeName.CONTENT_BASED_DEDUPLICATION, "true"), Map.of());
    List<SendMessageResponse> sent = Stream.of("a1", "a1", "a2", "b1", "b2")
        .map(body -> sqs.sendMessage(r -> r.queueUrl(url).messageBody(body).messageGroupId(body.substring(0, 1)))).collect(Collectors.toList());
    equal(sent.get(1).messageId(), sent.get(0).messageId());
    equal(sent.get(1).sequenceNumber(), sent.get(0).sequenceNumber());
    List<Message> first = receive(url, 1, 0, null);
    equal(bodies(first), List.of("a1"));
    List<Message> others = receive(url, 10, 0, null);
    equal(bodies(others), List.of("b1", "b2"));
    remove(url, first.get(0));
    equal(bodies(receive(url, 10, 0, null)), List.of("a2"));
  }

  static void purge() {
    String url = create();
    for (int n = 0; n < 20; ++n) {
      String body = "" + n;
      sqs.sendMessage(r -> r.queueUrl(url).messageBody(body));
    }
    sqs.purgeQueue(r -> r.queueUrl(url));
    equal(receive(url, 10, 0, null), List.of());
  }

  static void large() {
    String url = create();
    String body = "0123456789abcdef".repeat(1 << 16);
    sqs.sendMessage(r -> r.queueUrl(url).messageBody(body));
    check(one(url, null).body().equals(body), "another body");
  }

  static void errors() {
    String url = create();
    fails(QueueDoesNotExistException.class, () -> sqs.sendMessage(r -> r.queueUrl(url + "-gone").messageBody("b")));
    fails(ReceiptHandleIsInvalidException.class, () -> sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle("forged")));
    fails(InvalidMessageContentsException.class, () -> sqs.sendMessage(r -> r.queueUrl(url).messageBody("\u0001")));
    fails(InvalidAttributeValueException.class,
        () -> sqs.setQueueAttributes(r -> r.queueUrl(url).attributes(Map.of(QueueAttributeName.DELAY_SECONDS, "901"))));
    fails(EmptyBatchRequestException.class, () -> sqs.sendMessageBatch(r -> r.queueUrl(url).entries(List.of())));
  }

  static void work() {
    String url = sqs.getQueueUrl(r -> r.queueName(prefix)).queueUrl();
    for (;;)
      for (Message message : receive(url, 1, 20, null))
        System.out.println("working " + message.body() + " " + message.attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT));
  }

  public static void main(String[] args) throws Exception {
    prefix = args[2];
    sqs = SqsClient.builder().endpointOverride(URI.create(args[0])).region(Region.US_EAST_1)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
        .overrideConfiguration(o -> o.retryStrategy(r -> r.maxAttempts(1))).build();
    try {
      switch (args[1]) {
        case "queues" -> queues();
        case "messages" -> messages();
        case "batch" -> batch();
        case "longpoll" -> longpoll();
        case "visibility" -> visibility();
        case "dlq" -> dlq();
        case "fifo" -> fifo();
        case "purge" -> purge();
        case "large" -> large();
        case "errors" -> errors();
        case "work" -> work();
        default -> throw new AssertionError(args[1]);
      }
    } finally {
      for (String url : made) sqs.deleteQueue(r -> r.queueUrl(url));
    }
    System.out.println("ok");
    System.exit(0);
  }
}
