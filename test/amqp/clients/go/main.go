// amqp091-go doing its users' everyday work; see scenarios.md.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"reflect"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

var (
	url    string
	prefix string
	ctx    = context.Background()
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func got[T any](value T, err error) T {
	must(err)
	return value
}

func check(expected, found any) {
	if !reflect.DeepEqual(expected, found) {
		panic(fmt.Sprintf("expected %#v, got %#v", expected, found))
	}
}

func declare(ch *amqp.Channel, queue string, durable bool, arguments amqp.Table) {
	got(ch.QueueDeclare(queue, durable, false, false, false, arguments))
}

func fill(ch *amqp.Channel, queue string, bodies ...string) {
	for _, body := range bodies {
		must(ch.PublishWithContext(ctx, "", queue, false, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)}))
	}
}

func take(ch *amqp.Channel) string {
	message, ok, err := ch.Get(prefix, true)
	must(err)
	if !ok {
		return "nothing"
	}
	if message.Redelivered {
		return string(message.Body) + "'"
	}
	return string(message.Body)
}

func receive(messages <-chan amqp.Delivery) amqp.Delivery {
	select {
	case message, ok := <-messages:
		if !ok {
			panic("the consumer was closed")
		}
		return message
	case <-time.After(60 * time.Second):
		panic("no message in 20 s")
	}
}

func reversed(text []byte) []byte {
	var out []byte
	for i := len(text) - 1; i >= 0; i-- {
		out = append(out, text[i])
	}
	return out
}

func topology(c *amqp.Connection, ch *amqp.Channel) {
	must(ch.ExchangeDeclare(prefix+".events", "topic", true, false, false, false, nil))
	declare(ch, prefix, true, amqp.Table{"x-max-length": int32(1000)})
	must(ch.QueueBind(prefix, "order.*.created", prefix+".events", false, nil))
	must(ch.PublishWithContext(ctx, prefix+".events", "order.eu.created", false, false, amqp.Publishing{ContentType: "text/plain", Body: []byte("one")}))
	message, ok, err := ch.Get(prefix, true)
	must(err)
	check(true, ok)
	check("one order.eu.created text/plain", string(message.Body)+" "+message.RoutingKey+" "+message.ContentType)
	_, err = ch.QueueDeclare(prefix, false, false, false, false, nil)
	check(true, err != nil && err.(*amqp.Error).Code == 406 && strings.Contains(err.Error(), "inequivalent arg 'durable'"))
	ch = got(c.Channel())
	must(ch.QueueUnbind(prefix, "order.*.created", prefix+".events", nil))
	got(ch.QueueDelete(prefix, false, false, false))
	must(ch.ExchangeDelete(prefix+".events", false, false))
}

func confirms(c *amqp.Connection, ch *amqp.Channel) {
	declare(ch, prefix, true, nil)
	must(ch.Confirm(false))
	returned := ch.NotifyReturn(make(chan amqp.Return, 1))
	var waiting []*amqp.DeferredConfirmation
	for n := 0; n < 1000; n++ {
		waiting = append(waiting, got(ch.PublishWithDeferredConfirmWithContext(ctx, "", prefix, false, false,
			amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(fmt.Sprint(n))})))
	}
	for _, confirmation := range waiting {
		check(true, confirmation.Wait())
	}
	check(1000, got(ch.QueueDeclarePassive(prefix, true, false, false, false, nil)).Messages)
	last := got(ch.PublishWithDeferredConfirmWithContext(ctx, "", prefix+".nowhere", true, false, amqp.Publishing{Body: []byte("x")}))
	check(true, last.Wait())
	back := <-returned
	check("NO_ROUTE x", back.ReplyText+" "+string(back.Body))
}

func consume(c *amqp.Connection, ch *amqp.Channel) {
	declare(ch, prefix, false, nil)
	for n := 0; n < 200; n++ {
		fill(ch, prefix, fmt.Sprint(n))
	}
	must(ch.Qos(10, 0, false))
	messages := got(ch.Consume(prefix, "worker", false, false, false, false, nil))
	for n := 0; n < 200; n++ {
		message := receive(messages)
		check(fmt.Sprint(n), string(message.Body))
		must(message.Ack(false))
	}
	must(ch.Cancel("worker", false))
	check(0, got(ch.QueueDeclarePassive(prefix, false, false, false, false, nil)).Messages)
}

func redelivery(c *amqp.Connection, ch *amqp.Channel) {
	declare(ch, prefix, true, nil)
	fill(ch, prefix, "a", "b", "c")
	for n := 0; n < 2; n++ {
		_, _, err := ch.Get(prefix, false)
		must(err)
	}
	must(c.Close())
	second := got(amqp.Dial(url))
	again := got(second.Channel())
	check("a' b' c", take(again)+" "+take(again)+" "+take(again))
	must(second.Close())
}

func requeue(c *amqp.Connection, ch *amqp.Channel) {
	declare(ch, prefix, false, nil)
	fill(ch, prefix, "a", "b", "c", "d")
	for n := 0; n < 3; n++ {
		_, _, err := ch.Get(prefix, false)
		must(err)
	}
	must(ch.Nack(3, false, true))
	must(ch.Reject(1, true))
	must(ch.Nack(2, false, false))
	check("a' c' d", take(ch)+" "+take(ch)+" "+take(ch))
}

func rpc(c *amqp.Connection, ch *amqp.Channel) {
	declare(ch, prefix, false, nil)
	server := got(c.Channel())
	questions := got(server.Consume(prefix, "", true, false, false, false, nil))
	go func() {
		for question := range questions {
			must(server.PublishWithContext(ctx, "", question.ReplyTo, false, false,
				amqp.Publishing{CorrelationId: question.CorrelationId, Body: reversed(question.Body)}))
		}
	}()
	answers := got(ch.Consume("amq.rabbitmq.reply-to", "", true, false, false, false, nil))
	for n := 0; n < 50; n++ {
		body := []byte(fmt.Sprintf("question %d", n))
		must(ch.PublishWithContext(ctx, "", prefix, false, false,
			amqp.Publishing{ReplyTo: "amq.rabbitmq.reply-to", CorrelationId: fmt.Sprint(n), Body: body}))
		answer := receive(answers)
		check(fmt.Sprint(n)+" "+string(reversed(body)), answer.CorrelationId+" "+string(answer.Body))
	}
}

func retry(c *amqp.Connection, ch *amqp.Channel) {
	declare(ch, prefix, true, amqp.Table{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": prefix + ".wait"})
	declare(ch, prefix+".wait", true, amqp.Table{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": prefix, "x-message-ttl": int32(50)})
	fill(ch, prefix, "job")
	messages := got(ch.Consume(prefix, "", false, false, false, false, nil))
	for attempt := int64(0); ; attempt++ {
		message := receive(messages)
		if attempt > 0 {
			deaths := message.Headers["x-death"].([]interface{})
			check(2, len(deaths))
			check(attempt, deaths[0].(amqp.Table)["count"])
		}
		if attempt == 3 {
			must(message.Ack(false))
			return
		}
		must(message.Reject(false))
	}
}

func priority(c *amqp.Connection, ch *amqp.Channel) {
	declare(ch, prefix, false, amqp.Table{"x-max-priority": int32(10)})
	for _, n := range []uint8{1, 9, 5} {
		must(ch.PublishWithContext(ctx, "", prefix, false, false, amqp.Publishing{Priority: n, Body: []byte(fmt.Sprint(n))}))
	}
	check("9 5 1", take(ch)+" "+take(ch)+" "+take(ch))
}

func large(c *amqp.Connection, ch *amqp.Channel) {
	declare(ch, prefix, false, nil)
	big := make([]byte, 5_000_000)
	got(rand.Read(big))
	for _, body := range [][]byte{{}, big} {
		must(ch.PublishWithContext(ctx, "", prefix, false, false, amqp.Publishing{Body: body}))
		message, _, err := ch.Get(prefix, true)
		must(err)
		check(true, bytes.Equal(body, message.Body))
	}
}

func headers(c *amqp.Connection, ch *amqp.Channel) {
	sent := amqp.Table{"int": int32(42), "long": int64(1 << 40), "short": int16(-5), "byte": byte(3), "text": "héllo", "true": true, "nil": nil,
		"list": []interface{}{int32(1), "two"}, "table": amqp.Table{"a": amqp.Table{"b": int32(1)}}, "bytes": []byte{0, 255},
		"time": time.Unix(1700000000, 0), "decimal": amqp.Decimal{Scale: 2, Value: 314}, "double": 1.5, "float": float32(0.5)}
	declare(ch, prefix, false, nil)
	must(ch.PublishWithContext(ctx, "", prefix, false, false, amqp.Publishing{Headers: sent, ContentType: "application/json",
		ContentEncoding: "gzip", DeliveryMode: 2, Priority: 7, CorrelationId: "corr", ReplyTo: "reply", Expiration: "60000", MessageId: "id",
		Timestamp: time.Unix(1700000000, 0), Type: "type", UserId: "guest", AppId: "app", Body: []byte("x")}))
	m, _, err := ch.Get(prefix, true)
	must(err)
	check(sent["time"].(time.Time).Unix(), m.Headers["time"].(time.Time).Unix())
	delete(sent, "time")
	delete(m.Headers, "time")
	check(sent, m.Headers)
	check("application/json gzip 2 7 corr reply 60000 id 1700000000 type guest app", fmt.Sprint(m.ContentType, " ", m.ContentEncoding, " ",
		m.DeliveryMode, " ", m.Priority, " ", m.CorrelationId, " ", m.ReplyTo, " ", m.Expiration, " ", m.MessageId, " ", m.Timestamp.Unix(), " ",
		m.Type, " ", m.UserId, " ", m.AppId))
}

func work(c *amqp.Connection, ch *amqp.Channel) {
	declare(ch, prefix, true, nil)
	must(ch.Qos(1, 0, false))
	for message := range got(ch.Consume(prefix, "", false, false, false, false, nil)) {
		redelivered := 0
		if message.Redelivered {
			redelivered = 1
		}
		fmt.Println("working", string(message.Body), redelivered)
	}
}

func main() {
	url = "amqp://guest:guest@" + net.JoinHostPort(os.Args[1], os.Args[2]) + "/"
	prefix = os.Args[4]
	scenarios := map[string]func(*amqp.Connection, *amqp.Channel){"topology": topology, "confirms": confirms, "consume": consume,
		"redelivery": redelivery, "requeue": requeue, "rpc": rpc, "retry": retry, "priority": priority, "large": large, "headers": headers,
		"work": work}
	connection := got(amqp.Dial(url))
	scenarios[os.Args[3]](connection, got(connection.Channel()))
	connection.Close()
	fmt.Println("ok")
}
