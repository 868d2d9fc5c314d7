// Spring Cloud AWS: @SqsListener methods and SqsTemplate, over the asynchronous client (Netty). scenarios.md has the words; `listener`
// is this program's own: 30 messages handled and deleted, one that fails once comes again, a FIFO queue in its groups' order.
import io.awspring.cloud.sqs.annotation.SqsListener;
import io.awspring.cloud.sqs.config.SqsBootstrapConfiguration;
import io.awspring.cloud.sqs.config.SqsMessageListenerContainerFactory;
import io.awspring.cloud.sqs.listener.Visibility;
import io.awspring.cloud.sqs.operations.SqsTemplate;
import java.net.URI;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.springframework.context.annotation.*;
import software.amazon.awssdk.auth.credentials.*;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

@Configuration
@Import(SqsBootstrapConfiguration.class)
public class Listener {
  static String url, prefix;
  static final Map<String, Integer> seen = new ConcurrentHashMap<>();
  static final List<String> inOrder = Collections.synchronizedList(new ArrayList<>());
  static final CountDownLatch standard = new CountDownLatch(31), fifo = new CountDownLatch(12);

  @Bean SqsAsyncClient sqs() {
    return SqsAsyncClient.builder().endpointOverride(URI.create(url)).region(Region.US_EAST_1)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"))).build();
  }

  @Bean SqsMessageListenerContainerFactory<Object> defaultSqsListenerContainerFactory(SqsAsyncClient sqs) {
    return SqsMessageListenerContainerFactory.builder().sqsAsyncClient(sqs)
        .configure(o -> o.pollTimeout(Duration.ofSeconds(5)).listenerShutdownTimeout(Duration.ofSeconds(2))).build();
  }

  @SqsListener(queueNames = "#{systemProperties['naru.queue']}")
  void take(String body, Visibility visibility) {
    int times = seen.merge(body, 1, Integer::sum);
    standard.countDown();
    if (body.equals("7") && times == 1) {
      visibility.changeTo(0);  // at once
      throw new IllegalStateException("once");
    }
  }

  @SqsListener(queueNames = "#{systemProperties['naru.queue']}.fifo")
  void takeInOrder(String body) {
    inOrder.add(body);
    fifo.countDown();
  }

  static void check(boolean holds, Object what) {
    if (!holds) throw new AssertionError(String.valueOf(what));
  }

  static String count(SqsAsyncClient sqs, String queue, QueueAttributeName name) throws Exception {
    return sqs.getQueueAttributes(r -> r.queueUrl(queue).attributeNames(name)).get().attributes().get(name);
  }

  public static void main(String[] args) throws Exception {
    url = args[0];
    prefix = args[2];
    System.setProperty("naru.queue", prefix);
    SqsAsyncClient first = new Listener().sqs();
    String queue = first.createQueue(r -> r.queueName(prefix)).get().queueUrl();
    String ordered = first.createQueue(r -> r.queueName(prefix + ".fifo").attributes(
        Map.of(QueueAttributeName.FIFO_QUEUE, "true", QueueAttributeName.CONTENT_BASED_DEDUPLICATION, "true"))).get().queueUrl();
    try (var context = new AnnotationConfigApplicationContext(Listener.class)) {
      SqsTemplate template = SqsTemplate.newTemplate(first);
      for (int n = 0; n < 30; ++n) template.send(prefix, "" + n);
      for (int n = 0; n < 12; ++n) {
        String body = (n % 3) + "-" + n;
        template.send(to -> to.queue(prefix + ".fifo").payload(body).header("Sqs_Msa_MessageGroupId", body.substring(0, 1)));
      }
      check(standard.await(90, TimeUnit.SECONDS), "handled: " + seen);
      check(fifo.await(90, TimeUnit.SECONDS), "in order: " + inOrder);
      check(seen.size() == 30 && seen.get("7") == 2, seen);
      for (String group : List.of("0", "1", "2")) {
        List<String> of = inOrder.stream().filter(b -> b.startsWith(group)).toList();
        List<String> sorted = of.stream().sorted(Comparator.comparing(b -> Integer.parseInt(b.substring(2)))).toList();
        check(of.size() == 4 && of.equals(sorted), inOrder);
      }
      long until = System.nanoTime() + 60_000_000_000L;
      while (!(count(first, queue, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE).equals("0")
          && count(first, queue, QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES).equals("0"))) {
        check(System.nanoTime() < until, "something is left in the queue");
        Thread.sleep(20);
      }
    }
    first.deleteQueue(r -> r.queueUrl(queue)).get();
    first.deleteQueue(r -> r.queueUrl(ordered)).get();
    System.out.println("ok");
    System.exit(0);
  }
}
